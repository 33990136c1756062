"""The moments of a story in order: at each the world, acts in file order, timers, expectations.

It merges what the file says; what time brings by itself is the core's to know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from story.model import Act, Disturb, Expect, Story, World
from story.opening import since_when


@dataclass
class Moment:
    """Everything the file says about one moment."""

    at: datetime
    disturbs: list[Disturb] = field(default_factory=list)
    worlds: list[World] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    expects: list[Expect] = field(default_factory=list)


def moments_of(story: Story) -> list[Moment]:
    """Every moment from the opening to the last, in order; changes before it are not among them."""
    found: dict[datetime, Moment] = {}

    def at(moment: datetime) -> Moment:
        return found.setdefault(moment, Moment(moment))

    at(story.opens)
    at(story.last_moment)
    for disturb in story.disturbs:
        at(disturb.at).disturbs.append(disturb)
    for world in story.worlds:
        if since_when(world) > story.opens:
            at(since_when(world)).worlds.append(world)
    for act in story.acts:
        at(act.at).acts.append(act)
    for expect in story.expects:
        at(expect.at).expects.append(expect)
    return [moment for _, moment in sorted(found.items()) if moment.at <= story.last_moment]


def before_opening(story: Story) -> list[World]:
    """Changes of the world that were so when the case opened, in the order they came true."""
    early = [world for world in story.worlds if since_when(world) <= story.opens]
    return sorted(early, key=since_when)
