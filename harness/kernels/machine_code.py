"""Machine code of kernels that are written by Python: compiled by LLVM, and cached on disk.

The code runs on this processor or, if NUMBA_CPU_NAME and NUMBA_CPU_FEATURES are set, is made for
the processor that they name, as all other kernels are.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from harness.kernels import _cache
from harness.kernels._jit import STAMP
from harness.kernels.simd.memory import Pointer
from harness.kernels.simd.rows import DOUBLE, FLOATS, INTEGER, Row, writing_with

_BYTE = ir.IntType(8)


def kinds(precision: str) -> dict[str, Any]:
    """Return the types that the arguments of a kernel may point to, by name."""
    return {
        "numbers": FLOATS[precision],
        "doubles": DOUBLE,
        "integers": INTEGER,
        "bytes": _BYTE,
        "shared": _BYTE,
    }


def compile_kernel(
    name: str,
    arguments: Sequence[str],
    body: Callable[..., Row],
    precision: str = "float64",
    *,
    keep: bool = True,
) -> int:
    """Return the address of a kernel. The caller holds Numba's compiler lock.

    Parameters
    ----------
    name : str
        A name that identifies the kernel.
    arguments : sequence of str
        What each argument points to: one of `kinds`. No two of them may overlap, and only "shared"
        bytes may be changed by others during a call.
    body : callable
        Function that writes the kernel. It takes pointers, and returns a single integer.
    precision : str
        Precision of the numbers of the kernel: "float64" or "float32".
    keep : bool
        Whether to keep the machine code on disk. It is found by its name only, so the name must
        determine the code.
    """
    triple, processor, features = cpu_target.target_context.codegen().magic_tuple()
    key = (name, triple, processor, features)
    code = _cache.load(STAMP, key) if keep else None
    if code is None:
        machine = machine_for(triple, processor, features)
        code = object_code(name, arguments, body, machine, precision)
        if keep:
            _cache.save(STAMP, key, code)
    return _address(name, code)


def machine_for(triple: str, processor: str, features: str) -> Any:
    """Return the LLVM target machine of a processor, with the options that Numba gives its own."""
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=processor,
        features=features,
        opt=3,
        reloc="static" if triple.startswith("x86") else "default",
        codemodel="jitdefault",
    )


def object_code(
    name: str,
    arguments: Sequence[str],
    body: Callable[..., Row],
    machine: Any,
    precision: str = "float64",
) -> bytes:
    """Return the object file of a kernel for a target machine; see `compile_kernel`."""
    module = _optimised(_write(name, arguments, body, precision), machine)
    with _rows_kept():
        code: bytes = machine.emit_object(module)
    return code


def instructions(
    name: str, arguments: Sequence[str], body: Callable[..., Row], precision: str = "float64"
) -> str:
    """Return the optimised LLVM instructions of a kernel for this processor, as text."""
    machine = machine_for(*cpu_target.target_context.codegen().magic_tuple())
    return str(_optimised(_write(name, arguments, body, precision), machine))


def _write(name: str, arguments: Sequence[str], body: Callable[..., Row], precision: str) -> Any:
    """Return the LLVM module of a kernel."""
    module = ir.Module(name)
    pointers = [kinds(precision)[kind].as_pointer() for kind in arguments]
    function = ir.Function(module, ir.FunctionType(INTEGER, pointers), name)
    for argument, kind in zip(function.args, arguments, strict=True):
        if kind != "shared":
            argument.add_attribute("noalias")
    entry = ir.IRBuilder(function.append_basic_block("entry"))
    start = function.append_basic_block("start")
    # Variables are made in the first block, where LLVM expects them.
    builder = ir.IRBuilder(start)
    with writing_with(builder, precision):
        result = body(*map(Pointer, function.args))
        builder.ret(result.vectors[0])
    entry.position_at_end(function.entry_basic_block)
    entry.branch(start)
    return module


def _optimised(module: Any, machine: Any) -> Any:
    found = llvm.parse_assembly(str(module))
    found.triple, found.data_layout = machine.triple, str(machine.target_data)
    found.verify()
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    # All vectors and unrolled loops are written already. Unrolling the others, too, made no kernel
    # faster, and took a quarter of the compile time of 16-16-1.
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(found, builder)
    return found


@contextmanager
def _rows_kept() -> Iterator[None]:
    """Keep LLVM's scheduler from turning rows back into one long chain after the other.

    It does so when registers are scarce; each operation then waits for the one before. An epoch of
    the 2-2-1 network of `xor` takes 528 cycles instead of 427, one of 1-8-1 1095 instead of 944
    (llvm-mca, Cascade Lake). The option belongs to the process and changes no bits.
    """
    llvm.set_option("harness", "-misched-regpressure=false")
    try:
        yield
    finally:
        llvm.set_option("harness", "-misched-regpressure=true")


@cache
def _engine() -> Any:
    """Return the engine that loads machine code into this process."""
    machine = machine_for(*cpu_target.target_context.codegen().magic_tuple())
    module = llvm.parse_assembly("")
    module.triple = machine.triple
    return llvm.create_mcjit_compiler(module, machine)


def _address(name: str, code: bytes) -> int:
    """Load machine code; return the address of its function, which stays valid."""
    _engine().add_object_file(llvm.ObjectFileRef.from_data(code))
    _engine().finalize_object()
    address: int = _engine().get_function_address(name)
    return address


@intrinsic
def call(typing_context: Any, address: Any, arguments: Any) -> Any:
    """Call a kernel by its address, with a tuple of contiguous arrays; return its integer."""
    if any(array.layout != "C" for array in arguments.types):
        raise TypingError("the arguments of a kernel must be contiguous arrays")

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointers = []
        for position, kind in enumerate(arguments.types):
            array = builder.extract_value(values[1], position)
            pointers.append(context.make_array(kind)(context, builder, array).data)
        function = ir.FunctionType(INTEGER, [pointer.type for pointer in pointers])
        return builder.call(builder.inttoptr(values[0], function.as_pointer()), pointers)

    return types.int64(types.int64, arguments), generate
