"""Whatever blocks are entered and left, in whatever contexts: a scope is alive only in an unbroken chain."""

from __future__ import annotations

from contextvars import Context
from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import booleans, data, sampled_from

from sa_privacy import AccessEnded
from sa_privacy.access import AccessBlock, AccessScopes, Scope
from tests.access.conftest import make_policy
from tests.support.draws import draws


class Scopes(RuleBasedStateMachine):
    """A model beside the real thing: for each context the stack of open blocks, and the set of scopes left."""

    def __init__(self) -> None:
        super().__init__()
        self.scopes = AccessScopes(make_policy())
        self.contexts: list[Context] = [Context()]
        self.stacks: list[list[tuple[AccessBlock, Scope]]] = [[]]
        self.in_force: list[Scope | None] = [None]
        self.left: set[Scope] = set()
        self.made: list[Scope] = []

    def _dead(self, scope: Scope | None) -> bool:
        while scope is not None:
            if scope in self.left:
                return True
            scope = scope.parent
        return False

    @rule(draw=data(), root=booleans())
    def enter(self, draw: Any, root: bool) -> None:
        at = draw.draw(sampled_from(range(len(self.contexts))))
        block = self.scopes.request() if root else self.scopes.access("shipping", role="warehouse")
        outer = self.in_force[at]
        if not root and self._dead(outer):
            try:
                self.contexts[at].run(block.__enter__)
            except AccessEnded:
                return
            raise AssertionError("a block was opened inside a dead one")
        scope = self.contexts[at].run(block.__enter__)
        assert scope.parent is (None if root else outer)
        self.stacks[at].append((block, scope))
        self.in_force[at] = scope
        self.made.append(scope)

    @precondition(lambda self: any(self.stacks))
    @rule(draw=data())
    def leave(self, draw: Any) -> None:
        at = draw.draw(sampled_from([index for index, stack in enumerate(self.stacks) if stack]))
        block, scope = self.stacks[at].pop()
        self.contexts[at].run(block.__exit__, None, None, None)
        self.left.add(scope)
        self.in_force[at] = self.contexts[at].run(self.scopes.get)

    @precondition(lambda self: any(self.stacks) and len(self.contexts) > 1)
    @rule(draw=data())
    def leave_elsewhere(self, draw: Any) -> None:
        at = draw.draw(sampled_from([index for index, stack in enumerate(self.stacks) if stack]))
        other = draw.draw(sampled_from([index for index in range(len(self.contexts)) if index != at]))
        block, scope = self.stacks[at].pop()
        before = self.contexts[other].run(self.scopes.get)
        self.contexts[other].run(block.__exit__, None, None, None)
        self.left.add(scope)
        after = self.contexts[other].run(self.scopes.get)
        assert after is (before if before is not scope else after)
        self.in_force[other] = after

    @precondition(lambda self: len(self.contexts) < 4)
    @rule(draw=data())
    def copy(self, draw: Any) -> None:
        at = draw.draw(sampled_from(range(len(self.contexts))))
        self.contexts.append(self.contexts[at].copy())
        self.stacks.append([])
        self.in_force.append(self.in_force[at])

    @invariant()
    def alive_means_an_unbroken_chain(self) -> None:
        for scope in self.made:
            assert scope.alive is not self._dead(scope)

    @invariant()
    def every_context_sees_its_own(self) -> None:
        for context, expected in zip(self.contexts, self.in_force, strict=True):
            assert context.run(self.scopes.get) is expected
            assert context.run(self.scopes.current) is (None if self._dead(expected) else expected)


TestScopes = Scopes.TestCase
TestScopes.settings = settings(max_examples=draws(60), stateful_step_count=30, deadline=None)
