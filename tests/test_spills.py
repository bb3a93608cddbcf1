"""Hot loops keep their vectors in registers: the check, and that it would notice."""

import pathlib
import subprocess
import sys

import pytest

import rsym

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import check_spills  # noqa: E402


def test_the_built_library_has_no_spills_in_hot_loops():
    try:
        wrong, count = check_spills.check(rsym._rsym.__file__)
    except check_spills.Skip as reason:
        pytest.skip(str(reason))
    assert not wrong, "\n".join(wrong)
    assert count >= 20


def code(*lines):
    parsed = [line.split(None, 2) for line in lines]
    return [(int(line[0], 16), line[1], line[2] if len(line) > 2 else "") for line in parsed]


FMA = ["%x vfmadd231ps (%%rsi){1to16},%%zmm1,%%zmm2" % (0x20 + i) for i in range(8)]


def test_loops_without_branches_are_found():
    outer = code("10 mov %rax,%rbx", *FMA, "30 jne 20 <f+0x10>", "34 vmovups %zmm0,0x40(%rsp)", "38 jb 10 <f>", "3c jmp 90 <g>")
    (loop,) = check_spills.innermost_loops(outer)
    assert [i[0] for i in loop] == [*range(0x20, 0x28), 0x30]
    assert check_spills.is_hot(loop) and not check_spills.spills(loop, check_spills.stack(outer))


@pytest.mark.parametrize(
    "line, is_spill",
    [
        ("28 vmovups %zmm7,0x40(%rsp)", True),
        ("28 vmovaps 0x80(%rsp),%ymm3", True),
        ("28 vfmadd231ps 0x40(%rbp),%zmm1,%zmm2", True),
        ("28 vfmadd231ps 0x40(%rsp){1to16},%zmm1,%zmm2", False),
        ("28 vbroadcastss 0x40(%rsp),%zmm1", False),
        ("28 mov 0x40(%rsp),%rax", False),
        ("28 vmovups 0x40(%rsi),%zmm1", False),
    ],
)
def test_spills_are_whole_vectors_on_the_stack(line, is_spill):
    program = code("10 mov %rsp,%rbp", *FMA, line, "30 jne 20 <f+0x10>")
    (loop,) = check_spills.innermost_loops(program)
    assert bool(check_spills.spills(loop, check_spills.stack(program))) == is_spill


def test_a_pointer_in_rbp_is_no_stack():
    program = code(*FMA, "28 vmovups (%rbp,%rax,4),%zmm1", "30 jne 20 <f+0x10>")
    (loop,) = check_spills.innermost_loops(program)
    assert not check_spills.spills(loop, check_spills.stack(program))


SPILLING = """
#include <immintrin.h>
__attribute__((target("avx2,fma"), noinline)) void hot(const float *a, const float *b, float *c, long n) {
    __m256 acc[20];
    for (int i = 0; i < 20; i++) acc[i] = _mm256_setzero_ps();
    for (long k = 0; k < n; k++)
#pragma GCC unroll 20
        for (int i = 0; i < 20; i++) acc[i] = _mm256_fmadd_ps(_mm256_set1_ps(a[i * n + k]), _mm256_loadu_ps(b + 8 * k), acc[i]);
    for (int i = 0; i < 20; i++) _mm256_storeu_ps(c + 8 * i, acc[i]);
}
"""


def test_a_loop_with_more_sums_than_registers_is_noticed(tmp_path):
    (tmp_path / "hot.c").write_text(SPILLING)
    library = str(tmp_path / "hot.so")
    try:
        build = ["cc", "-O3", "-shared", "-fPIC", "hot.c", "-o", library]
        subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
        wrong, count = check_spills.check(library, {"sum": "^hot$"}, crate="hot")
    except (OSError, subprocess.CalledProcessError, check_spills.Skip) as reason:
        pytest.skip("cannot compile for it here: %s" % reason)
    assert count >= 1 and any("sum (hot)" in line for line in wrong)
