"""Kernels are compiled for processors other than that of this machine, without being run."""

import llvmlite.binding as llvm
import numba
import pytest

from harness.kernels.lane_descent import ARGUMENTS, make_kernel
from harness.kernels.machine_code import machine_for, object_code
from harness.training.trainer import Trainer
from harness.training.variants import make_lane_spec

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


@pytest.mark.parametrize(
    ("triple", "processor", "first"),
    [
        # The number of the architecture in the header of the object file.
        ("aarch64-unknown-linux-gnu", "neoverse-n1", b"\x7fELF" + bytes(14) + b"\xb7\x00"),
        ("arm64-apple-darwin", "apple-m1", b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"),
        ("x86_64-pc-windows-msvc", "x86-64", b"\x64\x86"),
    ],
)
def test_kernels_are_compiled_for_other_processors(small, triple, processor, first):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    trainer = Trainer(small(), lanes=8)
    spec = make_lane_spec(trainer.variant(0), frozenset(), 8)
    machine = machine_for(triple, processor, "")
    code = object_code("kernel", list(ARGUMENTS.values()), make_kernel(spec), machine)
    header = code[:4] + bytes(14) + code[18:20] if code.startswith(b"\x7fELF") else code
    assert header.startswith(first)
