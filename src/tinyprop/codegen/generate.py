"""TrainProgram + Plan → SourceTree: tables and calls into the fixed kernel library, never kernel bodies of its own."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import PackageNotFoundError, version

import jinja2
import numpy as np

from tinyprop.codegen.activation_calls import mask_output_call, pack_mask_call
from tinyprop.codegen.call import Call
from tinyprop.codegen.join_calls import gather_error_call
from tinyprop.codegen.kernel_calls import forward_calls, pass_error_calls
from tinyprop.codegen.layout import to_engine
from tinyprop.codegen.literals import c_float
from tinyprop.codegen.look_calls import compare_calls, judge_calls, take_calls
from tinyprop.codegen.loss_calls import before_loss_calls, loss_expression
from tinyprop.codegen.optimizer_calls import clip_calls, error_calls, update_calls
from tinyprop.codegen.places import Places
from tinyprop.codegen.rule_calls import require_twins, selection_text, skip_condition
from tinyprop.codegen.source_tree import SourceTree
from tinyprop.codegen.state import state_layout
from tinyprop.errors import InternalError, UserError
from tinyprop.ir.prefix import require_frozen_prefix
from tinyprop.ir.train_program import AddErrorStep, BackwardStep, ForwardStep, PackMaskStep, PassErrorStep, TrainProgram
from tinyprop.plan.lifetimes import Storage
from tinyprop.plan.plan import Plan

INLINE = "inline"  # kernels inlined once per distinct shape: fast
SIZE = "size"  # one generic body per kernel: small
# The linker drops what firmware does not call.
PUBLIC = tuple(
    f"engine/src/tp_{name}.c" for name in ("api", "buffer", "checkpoint", "crc32", "flash_store", "guard", "link")
)
ENGINE_FOLDERS = {"include": "engine/include", "src": "engine/src"}


@dataclass(frozen=True)
class LayerCode:
    """The backward pass of one node as text. selection: C expression of k, behind `calls` where it is late; ends: the
    pass ends where k is 0.

    update: calls for a layer that keeps an error.
    """

    title: str
    layer: int | None = None
    before: tuple[str, ...] = ()
    selection: str | None = None
    late: bool = False
    ends: bool = False
    calls: tuple[str, ...] = ()
    update: tuple[str, ...] = ()


def generate(
    train: TrainProgram, storage: Storage, plan: Plan, kernels: str = INLINE, latent: bool = False
) -> SourceTree:
    """The C99 sources of one training program: header, program, weights and the engine they call.

    kernels: INLINE or SIZE. latent: whether the frozen prefix, and the steps behind it, can be called by themselves.
    The same records give the same bytes on every run. Raises UserError for a method with a rule that the engine has
    not, for latent without a frozen prefix, and for latent where whole samples are kept to look at.
    """
    require_twins(train.spec)
    if latent and train.looks is not None:
        raise UserError(
            f"method '{train.spec.method}' keeps samples to look at the network with, and latents are none: leave out "
            f"latent=True, or train by another method."
        )
    program = train.program
    places = Places(train, storage, plan)
    prefix = require_frozen_prefix(train) if latent else None
    forward = _forward(places)
    behind = 0 if prefix is None else len(prefix.nodes)  # nothing of a prefix is packed: one entry per node
    backward, called = _backward(places)
    state = state_layout(train)
    before_loss, clip = before_loss_calls(places), clip_calls(places)
    look, judge, take = _look(places), judge_calls(places), take_calls(places)
    at_looks = [call for _, calls in look for call in calls] + judge + take
    called = [call for _, calls in forward for call in calls] + before_loss + clip + called + at_looks
    context = {
        "name": program.name,
        "stamp": stamp(train, plan),
        "program_text": str(program).splitlines(),
        "method": train.spec.method,
        "optimizer": str(train.optimizer),
        "inline": int(kernels == INLINE),
        "functions": _definitions(called),
        "forward": _titled(forward),
        "prefix": _titled(forward[:behind]),
        "behind_prefix": _titled(forward[behind:]),
        "latent": 0 if prefix is None else prefix.latent.size,
        "latent_place": "" if prefix is None else places.read(prefix.latent.name).text,
        "backward": backward,
        "looks": train.looks,
        "look": _titled(look),
        "judge": _texts(judge),
        "take": _texts(take),
        "skip": skip_condition(places),
        "clip": _texts(clip),
        "outputs_place": places.read(program.output.name).text,
        "error_place": places.error(program.output.name).text,
        "learns_targets": train.loss.learns_targets,
        "before_loss": _texts(before_loss),
        "loss": loss_expression(places),
        "loss_can_overflow": train.loss.can_overflow,
        "inputs": program.input.size,
        "outputs": program.output.size,
        "layers": len(program.layers),
        "parameters": train.count(train.trainable),
        "frozen": train.count(train.frozen),
        "velocities": train.velocities,
        "residuals": sum(train.residuals.values()),
        "state_words": state.words,
        "identity": f"0x{state.identity:08X}U",
        "arena": -(-plan.arena_bytes // 4),
        "plan_text": str(plan).splitlines(),
        "initial_rows": _rows(to_engine(program, program.parameters, train.trainable)),
        "frozen_rows": _rows(to_engine(program, program.parameters, train.frozen)),
    }
    own = {
        f"{program.name}{suffix}": render(f"network{suffix}.j2", context) for suffix in (".h", ".c", "_parameters.c")
    }
    engine = engine_files()
    linked = sorted(p for p in engine if p.endswith(".c")) if kernels == SIZE else PUBLIC
    return SourceTree(
        name=program.name,
        files=dict(sorted({**own, **engine}.items())),
        sources=(f"{program.name}.c", f"{program.name}_parameters.c", *linked),
        include_dirs=(".", "engine/include"),
        latent_size=0 if prefix is None else prefix.latent.size,
    )


def engine_files() -> dict[str, str]:
    """The engine as shipped in the package: path → text."""
    root = resources.files("tinyprop.engine")
    return {
        f"{target}/{file.name}": file.read_text(encoding="utf-8")
        for folder, target in ENGINE_FOLDERS.items()
        for file in sorted(root.joinpath(folder).iterdir(), key=lambda f: f.name)
        if file.name.endswith((".h", ".c"))
    }


def stamp(train: TrainProgram, plan: Plan) -> str:
    """What the files came from: the tool's version and a hash of the records, no date and no path."""
    weights = to_engine(train.program, train.program.parameters).tobytes()
    digest = hashlib.sha256(f"{train}\n{plan}".encode() + weights).hexdigest()
    return f"{tool_version()}, records {digest[:16]}"


def tool_version() -> str:
    """The tool and its version, as generated files name them."""
    try:
        return f"tinyprop {version('tinyprop')}"
    except PackageNotFoundError:
        return "tinyprop uninstalled"


def _forward(places: Places) -> list[tuple[str, list[Call]]]:
    """What each step before the loss is, and its calls."""
    return [
        (f"{s.node.name}: {s.node.op.kind}", forward_calls(places, s.node))
        if isinstance(s, ForwardStep)
        else (f"{s.node.name}: where it lets errors pass", [pack_mask_call(places, s.node)])
        for s in places.train.steps
        if isinstance(s, ForwardStep | PackMaskStep)
    ]


def _look(places: Places) -> list[tuple[str, list[Call]]]:
    """Forward on a kept sample, with what takes in the answers; nothing where none are kept."""
    if places.train.looks is None:
        return []
    nodes = [s.node for s in places.train.steps if isinstance(s, ForwardStep)]
    return [(f"{n.name}: {n.op.kind}", [*forward_calls(places, n), *compare_calls(places, n)]) for n in nodes]


def _titled(steps: list[tuple[str, list[Call]]]) -> list[tuple[str, tuple[str, ...]]]:
    return [(title, _texts(calls)) for title, calls in steps if calls]


def _backward(places: Places) -> tuple[list[LayerCode], list[Call]]:
    layers, called = [], []
    for step in places.train.steps:
        match step:
            case PassErrorStep(node):
                calls = pass_error_calls(places, step)
                code = LayerCode(f"{node.name}: {node.op.kind}", calls=_texts(calls))
            case AddErrorStep(value):
                calls = [gather_error_call(places, step)]
                code = LayerCode(f"all errors of {value}", calls=_texts(calls))
            case BackwardStep():
                code, calls = _layer(places, step)
            case _:
                continue
        if calls:
            layers.append(code)
        called += calls
    return layers, called


def _layer(places: Places, step: BackwardStep) -> tuple[LayerCode, list[Call]]:
    before = [mask_output_call(places, step)] if step.mask_output else []
    selection = selection_text(places, step) if step.selection is not None else None
    calls, update = error_calls(places, step), update_calls(places, step)
    code = LayerCode(
        title=f"{step.node.name}: {step.node.op.kind}",
        layer=step.layer,
        before=_texts(before),
        selection=selection.text if isinstance(selection, Call) else selection,
        late=step.selects_late,
        ends=step.ends,
        calls=_texts(calls),
        update=_texts(update),
    )
    return code, [*before, *([selection] if isinstance(selection, Call) else []), *calls, *update]


def _texts(calls: list[Call]) -> tuple[str, ...]:
    return tuple(call.text for call in calls)


def _definitions(calls: list[Call]) -> list[str]:
    """Each small function once, in the order of first use."""
    seen: dict[str, str] = {}
    for call in calls:
        if seen.setdefault(call.function, call.definition) != call.definition:
            raise InternalError(f"two different kernels would both be called {call.function}")
    return list(seen.values())


def _rows(values: np.ndarray, width: int = 6) -> list[str]:
    literals = [c_float(v) for v in values]
    return [", ".join(literals[i : i + width]) + "," for i in range(0, len(literals), width)]


def render(template: str, context: Mapping[str, object]) -> str:
    """A template of this package as text; a missing name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tinyprop.codegen"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template(template).render(context)
