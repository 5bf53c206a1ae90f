"""``%load_ext workbench``: magics that ask metrics and SQL from a notebook, with completion of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class

from workbench.errors import Problem, QuestionError, WorkbenchError, did_you_mean
from workbench.session.answer import Answer
from workbench.session.catalog import Cards
from workbench.show.completion import Choice, complete_metric, complete_sql
from workbench.show.grammar import parse

if TYPE_CHECKING:
    from workbench.session.door import Door

_MAGIC = re.compile(r"(?:^|\n|=)[ \t]*(%{1,2})(metric|sql)\b[ \t]*")
_TO = re.compile(r"^\s*--to\s+(\S+)\s*")


@magics_class
class WorkbenchMagics(Magics):
    """The magics of one notebook and the session they share."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self._session: Door | None = None
        self._columns: dict[str, tuple[str, ...]] = {}

    @property
    def session(self) -> Door:
        """The session, opened at the first question: the workspace is found from the notebook's folder upwards."""
        if self._session is None:
            self.open()
        assert self._session is not None
        return self._session

    def open(self, workspace: str | None = None, identity: str | None = None) -> None:
        """Open a session, closing the one before."""
        from workbench.show.connect import connect

        fresh = connect(workspace, as_user=identity)
        self.close()
        self._session = fresh

    def close(self) -> None:
        """Close the session, if one is open."""
        if self._session is not None:
            self._session.close()
        self._session, self._columns = None, {}

    @line_cell_magic
    def metric(self, line: str, cell: str | None = None) -> Answer:
        """Ask metrics in words; the answer is shown, and can be kept: ``x = %metric flights``.

        %metric flights
        %metric flights, cancellation_rate by airline.name
        %metric flights by metric_time.month where origin.name like 'New%' time 2013-01 to 2013-06
        %metric flights by airline.name having flights > 100 order by flights desc limit 5
        %metric flights by metric_time.month compare 1 month totals fill

        Metrics come first, the rest in any order: by PATHS, where CONDITION, having CONDITION,
        order by COLUMNS [desc], limit N, time 2013 | 2013-01 to 2013-06 | since 2013-03 | until 2013-Q2,
        compare LENGTH, share of total | COLUMNS, totals [COLUMNS], fill (periods without rows too).
        top 5 [least] [of COLUMN] [using METRIC] [alone] shows so many groups by name, the others together.
        Without metrics: extremes (least and greatest value), every row (a line for each row).
        'name as other' renames a column. As %%metric the question may take several lines. Tab completes names.
        """
        question = parse(f"{line}\n{cell or ''}")
        if not question.metrics and not question.by:
            hint = "Write for example: %metric flights by airline.name. %metrics lists what there is."
            raise QuestionError(Problem("empty-question", "No metric is named.", hint=hint))
        return self.session.ask(question)

    @line_cell_magic
    def sql(self, line: str, cell: str | None = None) -> Answer | None:
        """Run one SELECT over the tables you may read.

        %sql select count(*) from gold.flights
        %%sql --to late        keeps the answer in the variable 'late' and shows nothing
        select carrier, avg(dep_delay) from gold.flights group by all
        """
        text, target = line, ""
        if match := _TO.match(line):
            text, target = line[match.end() :], match.group(1)
            if not target.isidentifier():
                message = f"'{target}' cannot be the name of a variable."
                raise QuestionError(Problem("bad-variable", message, hint="Use letters, digits and '_'."))
        answer = self.session.sql("\n".join(filter(None, (text.strip(), cell))))
        if not target:
            return answer
        self._shell.user_ns[target] = answer
        return None

    @line_magic
    def metrics(self, line: str) -> Cards:
        """List the metrics you may ask, or those that fit a few words: %metrics delay"""
        session: Any = self.session
        found: Cards = session.search(line.strip()) if line.strip() else session.metrics
        return found

    @line_magic
    def workbench(self, line: str) -> None:
        """Choose who asks and where.

        %workbench                           who is asking, and in which workspace
        %workbench as ana@example.com        ask as another identity of access/
        %workbench connect ../other          another workspace
        """
        words = line.split()
        verbs = {"as": "identity", "connect": "workspace"}
        options = dict(zip((w.removeprefix("--") for w in words[::2]), words[1::2], strict=False))
        unknown = [word for word in options if word not in verbs]
        if unknown or len(words) % 2:
            word = (unknown or words[-1:])[0]
            hint = did_you_mean(word, verbs, "Write '%workbench as NAME' or '%workbench connect FOLDER'.")
            raise QuestionError(Problem("unknown-option", f"'{line.strip()}' is not understood.", hint=hint))
        if options:
            here = self._session.about.place if self._session else None
            self.open(options.get("connect", here), options.get("as"))
        principal = self.session.principal
        roles = f" ({', '.join(principal.roles)})" if principal.roles else ""
        print(f"{principal.name}{roles} in {self.session.about.place}")

    def complete(self, full: str, cursor: int) -> tuple[str, list[Choice]] | None:
        """What may come at ``cursor`` of a cell, or None where no magic of ours is being typed."""
        found = list(_MAGIC.finditer(full[:cursor]))
        if not found:
            return None
        sign, name = found[-1].group(1), found[-1].group(2)
        before = full[found[-1].end() : cursor]
        if sign == "%" and "\n" in before:
            return None
        try:
            if name == "metric":
                return complete_metric(before, self.session)
            return complete_sql(before, full[found[-1].end() :], self.session, self._columns_of)
        except WorkbenchError:
            # Typing must not be disturbed by a workspace that does not load; running the cell tells.
            return None

    def _columns_of(self, table: str) -> Iterable[str]:
        if table not in self._columns:
            empty = self.session.sql(f"SELECT * FROM {table} LIMIT 0")
            self._columns[table] = tuple(empty.table.column_names)
        return self._columns[table]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics and their completion: what ``%load_ext workbench`` calls."""
    magics = WorkbenchMagics(shell)
    shell.register_magics(magics)

    @context_matcher(identifier="workbench")  # type: ignore[untyped-decorator]
    def names(context: CompletionContext) -> SimpleMatcherResult:
        before = context.full_text.splitlines(keepends=True)[: context.cursor_line]
        found = magics.complete(context.full_text, sum(map(len, before)) + context.cursor_position)
        if found is None:
            return SimpleMatcherResult(completions=[], suppress=False)
        fragment, choices = found
        listed = [SimpleCompletion(text=c.text, type=c.kind) for c in choices]
        return SimpleMatcherResult(completions=listed, matched_fragment=fragment, suppress=True, ordered=True)

    shell.Completer.custom_matchers.append(names)
    _LOADED[id(shell)] = (magics, names)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics and the completion out again, and close the session."""
    magics, names = _LOADED.pop(id(shell))
    magics.close()
    shell.Completer.custom_matchers.remove(names)
    for kind, table in magics.magics.items():
        for name in table:
            shell.magics_manager.magics[kind].pop(name, None)


_LOADED: dict[int, tuple[WorkbenchMagics, Any]] = {}
