"""Everything declared about access to one word that names exactly this state of it."""

from __future__ import annotations

import json
from hashlib import sha256

from workbench.declare.workspace import Workspace


def policy_version(workspace: Workspace) -> str:
    """A hash of roles, groups and policies: the same wherever they say the same, whatever file says it.

    Models count as well: the tags of their columns decide about masks.
    """
    said = {
        "roles": {name: role.model_dump(mode="json") for name, role in workspace.roles.items()},
        "groups": {name: group.model_dump(mode="json") for name, group in workspace.groups.items()},
        "policies": sorted(
            json.dumps(one.term.model_dump(mode="json", by_alias=True), sort_keys=True) for one in workspace.policies
        ),
        "models": {name: one.term.model_dump(mode="json") for name, one in workspace.models.items()},
    }
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]
