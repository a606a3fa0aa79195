"""What must be found: a state that was acknowledged, and steps that were begun and not answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crash.corpus import Content, Contents, numbers


class Wrong(AssertionError):
    """What is found is not what was promised."""


@dataclass
class Step:
    """A change that was begun. ``whole``: it is one write, so all of it is there or nothing."""

    after: Contents
    whole: bool


@dataclass
class Book:
    """Keeps account of what a process says that it begins and has done."""

    state: dict[str, Content] = field(default_factory=dict)
    begun: dict[str, Step] = field(default_factory=dict)  # by writer: each has documents of its own
    seen: set[str] = field(default_factory=set)  # numbers of all versions that there ever were
    done: int = 0

    def hear(self, message: Mapping[str, Any]) -> None:
        """Takes a message in: ``begin`` with what will be there after, then ``done``."""
        writer = message.get("writer", "")
        if "begin" in message:
            after = {id: (c[0], c[1]) if c else None for id, c in message["begin"].items()}
            self.begun[writer] = Step(after, message["whole"])
            self.seen.update(n for c in after.values() if c for n in numbers(c))
        else:
            self.done += 1
            self.state = applied(self.state, self.begun.pop(writer).after)

    def check(self, found: Mapping[str, Content]) -> None:
        """Raises Wrong where these are not the documents that must be there."""
        left = {id for id in self.state.keys() | found.keys() if self.state.get(id) != found.get(id)}
        for writer, step in self.begun.items():
            touched = {id for id, content in step.after.items() if self.state.get(id) != content}
            new = {id for id in touched if found.get(id) == step.after[id]}
            old = {id for id in touched if found.get(id) == self.state.get(id)}
            left -= new
            if new | old != touched or (step.whole and new and old):
                raise Wrong(f"half a step of writer {writer!r} is there: new {sorted(new)}, old {sorted(old)}")
        if left:
            lost = sorted(id for id in left if id in self.state and id not in found)
            back = sorted(id for id in left if id not in self.state)
            raise Wrong(f"lost {lost}, back or never written {back}, other {sorted(left - set(lost) - set(back))}")

    def settle(self, found: Mapping[str, Content]) -> None:
        """Goes on from what was found."""
        self.check(found)
        self.state, self.begun = dict(found), {}
        self.seen.update(n for content in found.values() for n in numbers(content))


def applied(state: Mapping[str, Content], after: Contents) -> dict[str, Content]:
    """The state with a step's changes in it."""
    return {id: content for id, content in {**state, **after}.items() if content is not None}
