"""Steps of a state machine as data: which step follows which, and who may take it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.errors import StepNotAllowed


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of a state diagram.

    `permission` names the right that the actor must hold at the row's place; `stamp` is the column
    that records when the step was taken ("" for none).
    """

    verb: str
    sources: tuple[str, ...]
    target: str
    permission: str
    stamp: str = ""

    def check(self, status: str) -> None:
        """Raise StepNotAllowed unless this step may be taken from `status`."""
        if status not in self.sources:
            raise StepNotAllowed(verb=self.verb, status=status)


def diagram(steps: Iterable[Step], labels: Mapping[str, str], initial: str, terminal: Iterable[str]) -> str:
    """Draw a machine as a Mermaid state diagram: one arrow for each source of each step, labelled with its verb."""
    lines = ["stateDiagram-v2", *(f"    {state}: {label}" for state, label in labels.items())]
    lines.append(f"    [*] --> {initial}")
    for step in steps:
        verb = step.verb.rpartition(".")[2]
        lines += [f"    {source} --> {step.target}: {verb}" for source in step.sources]
    lines += [f"    {state} --> [*]" for state in terminal]
    return "\n".join(lines)
