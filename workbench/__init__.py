"""Workbench: governed metrics from YAML, asked through one door that knows who you are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.errors import WorkbenchError as WorkbenchError
    from workbench.show.connect import connect as connect
    from workbench.show.magics import load_ipython_extension as load_ipython_extension
    from workbench.show.magics import unload_ipython_extension as unload_ipython_extension

__version__ = "0.1.0"
__all__ = ["WorkbenchError", "__version__", "connect", "load_ipython_extension", "unload_ipython_extension"]


def __getattr__(name: str) -> Any:
    """Load the public names late: importing the package costs next to nothing."""
    if name == "connect":
        from workbench.show.connect import connect

        return connect
    if name in ("load_ipython_extension", "unload_ipython_extension"):
        from workbench.show import magics

        return getattr(magics, name)
    if name == "WorkbenchError":
        from workbench.errors import WorkbenchError

        return WorkbenchError
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")
