"""Tests of the limits of rate, slots and memory; test_server.py tests them under load."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fer_core.server.api.errors import Refused
from fer_core.server.api.limits import Buffer, Gate, RateLimiter
from tests.waiting import Clock


def allowed(limiter, caller, per_minute):
    """0, or the seconds to wait."""
    try:
        limiter.take(caller, per_minute)
    except Refused as refusal:
        return int(refusal.headers["Retry-After"])
    return 0


@given(st.integers(1, 120), st.lists(st.floats(0, 90), min_size=1, max_size=200))
@example(per_minute=2, pauses_s=[0.0, 3600.0, 0.0, 0.0])  # an hour's pause is worth one burst
def test_no_more_than_the_rate_and_one_burst_in_any_time(per_minute, pauses_s):
    clock = Clock()
    limiter, passed_s = RateLimiter(clock), []
    for pause_s in pauses_s:
        clock.now_s += pause_s
        if allowed(limiter, "a", per_minute) == 0:
            passed_s.append(clock.now_s)
    times_s = np.array(passed_s)
    numbers = np.arange(len(times_s))
    within = numbers - numbers[:, None] + 1  # [i, j]: from request i to request j
    may_pass = per_minute * (1 + (times_s - times_s[:, None]) / 60)
    assert (within <= may_pass + 1e-3)[np.triu_indices(len(times_s))].all()


@given(st.integers(1, 120))
def test_retry_after_is_true(per_minute):
    clock = Clock()
    limiter = RateLimiter(clock)
    assert [allowed(limiter, "a", per_minute) for _ in range(per_minute)] == [0] * per_minute
    after_s = allowed(limiter, "a", per_minute)
    assert 1 <= after_s <= 60
    clock.now_s += after_s
    assert allowed(limiter, "a", per_minute) == 0


def test_callers_do_not_pay_for_each_other():
    limiter = RateLimiter(Clock())
    assert allowed(limiter, "a", 1) == 0
    assert allowed(limiter, "a", 1) > 0
    assert allowed(limiter, "b", 1) == 0


def test_the_gate_lets_so_many_through_and_turns_the_rest_away():
    async def scene():
        gate, most, inside = Gate(2, patience_s=0.2), 0, 0
        go_on = asyncio.Event()

        async def visit():
            nonlocal most, inside
            async with gate.slot():
                inside += 1
                most = max(most, inside)
                await go_on.wait()
                inside -= 1

        visitors = [asyncio.create_task(visit()) for _ in range(6)]
        refused: list[Refused] = []
        for visitor in asyncio.as_completed(visitors):
            try:
                await visitor
            except Refused as refusal:
                refused.append(refusal)
                if len(refused) == 4:
                    go_on.set()
        async with gate.slot():  # all places came back
            return most, refused

    most, refused = asyncio.run(scene())
    assert (most, len(refused)) == (2, 4)
    assert {each.status for each in refused} == {503}
    assert refused[0].headers == {"Retry-After": "5"}


def test_a_visitor_who_fails_gives_the_place_back():
    async def scene():
        gate = Gate(1, patience_s=0.2)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with gate.slot():
                    raise ZeroDivisionError

    asyncio.run(scene())


@given(st.lists(st.lists(st.integers(0, 60), max_size=5), max_size=20))
def test_the_buffer_is_never_overdrawn_and_gets_all_back(requests):
    buffer = Buffer(100)
    for pieces in requests:
        fits = nullcontext() if sum(pieces) <= 100 else pytest.raises(Refused, match="busy")
        with fits, buffer.share() as reserve:
            for piece in pieces:
                reserve(piece)
                assert 0 <= buffer.free_bytes <= 100
        assert buffer.free_bytes == 100
