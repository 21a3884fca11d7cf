"""Bytes of a checkpoint, in Python: round trips, damage, other programs, safetensors, what identifies a program."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from tinyprop.checkpoint import Checkpoint, StateValues, checkpoint_of, decode, encode, find_checkpoints, values_of
from tinyprop.checkpoint.layout_file import read_layout
from tinyprop.checkpoint.safetensors_file import from_safetensors, to_safetensors
from tinyprop.codegen.state import StateLayout, state_json, state_layout
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Conv2d, Dense, ReLU, Reshape
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network

OPS = (Conv2d(1, 2, (3, 3)), ReLU(), Reshape(), Dense(8, 4), ReLU(), Dense(4, 3))
IDENTITY, WITH_MOMENTUM = 0xEA5FB5A1, 0x25DF3184  # of NETWORK under tinyprop_v2, and under ours_at_effort
NETWORK = Network(chain("net", (1, 4, 4), OPS))


def layout_of(method="tinyprop_v2", network=NETWORK, **options) -> StateLayout:
    return state_layout(network.train(method, **options).train_program)


def some(layout: StateLayout, **counts) -> Checkpoint:
    rng = np.random.default_rng(layout.words)
    floats = rng.standard_normal(layout.words - len(layout.memories)).astype(np.float32)
    memories = rng.integers(0, 2**32, len(layout.memories), dtype=np.uint32)
    state = np.concatenate([floats.view(np.uint32), memories])
    return Checkpoint(**{"sequence": 3, "identity": layout.identity, "steps": 70, "state": state, **counts})


words = st.integers(0, 2**32 - 1)


@given(words, words, words, st.lists(words, max_size=20), st.binary(max_size=20), st.binary(max_size=50))
def test_what_is_encoded_is_decoded(sequence, identity, steps, state, extra, behind):
    made = Checkpoint(sequence, identity, steps, np.array(state, np.uint32), extra)
    content = encode(made)
    assert len(content) == 32 + 4 * len(state) + len(extra)
    assert decode(content + behind) == made
    assert decode(content).state.flags.writeable is False
    assert find_checkpoints(behind + content)[len(behind)] == made or b"TPCK" in behind


def test_every_turned_bit_and_every_cut_is_refused():
    content = encode(some(layout_of(), extra=b"abc"))
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(UserError):
            decode(bytes(damaged))
        assert find_checkpoints(bytes(damaged)) == {}
    for end in range(len(content)):
        with pytest.raises(UserError, match=r"pull it from the device again|less than the 32"):
            decode(content[:end])


@pytest.mark.parametrize(
    ("content", "words_of_error"),
    [
        (b"", "'a.tpck' has 0 bytes, less than the 32 of a checkpoint's header"),
        (b"\xff" * 64, "'a.tpck' is no checkpoint: it does not begin with the bytes TPCK"),
        (b"TPCK\x02" + b"\0" * 60, "'a.tpck' is a checkpoint of format 2, this tinyprop reads 1: update tinyprop"),
    ],
)
def test_errors_say_what_was_given(content, words_of_error):
    with pytest.raises(UserError) as raised:
        decode(content, "'a.tpck'")
    assert str(raised.value).startswith(words_of_error)


def test_counts_beyond_32_bits_are_refused():
    with pytest.raises(UserError, match="steps is 4294967296: a checkpoint holds numbers from 0 to 4294967295"):
        encode(some(layout_of(), steps=2**32))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("method", ["full", "tinyprop_v2", "ours_at_effort", "random_k", "memorised_top_k"])
def test_values_have_names_and_go_back(method, momentum):
    layout = layout_of(method, optimizer=SGD(momentum=momentum))
    made = some(layout, extra=b"xyz")
    values = values_of(made, layout)
    assert {name: array.shape for name, array in values.weights.items()} == {t.name: t.shape for t in layout.tensors}
    assert set(values.velocities) == (set(values.weights) if momentum else set())
    assert checkpoint_of(values, layout, sequence=3, steps=70, extra=b"xyz") == made
    assert {name: left.size for name, left in values.residuals.items()} == layout.residuals
    assert sum(layout.residuals.values()) == (12 if method == "memorised_top_k" else 0)
    kept = {"full": "", "memorised_top_k": "", "random_k": "drawn", "ours_at_effort": "bar", "tinyprop_v2": "y_max"}[
        method
    ]
    assert set(layout.memories) - {""} <= {kept}
    assert kept in layout.memories


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_safetensors_and_back(momentum):
    layout = layout_of(optimizer=SGD(momentum=momentum))
    made = some(layout, extra=b"xyz")
    content = to_safetensors(made, layout)
    assert from_safetensors(content, layout) == made
    weights = safetensors.numpy.load(content)
    assert set(weights) == {tensor.name for tensor in layout.tensors}  # what load_state_dict takes, and nothing more
    assert (weights["v4.weight"] == values_of(made, layout).weights["v4.weight"]).all()
    assert weights["v4.weight"].shape == (4, 8)


def test_a_state_dict_alone_is_enough_and_frozen_weights_may_be_in_it():
    trainer = NETWORK.train("full", trainable=["last_layer"])
    layout = state_layout(trainer.train_program)
    weights = {name: np.asarray(array) for name, array in trainer.train_program.program.parameters.items()}
    made = from_safetensors(safetensors.numpy.save(weights), layout)
    assert (made.sequence, made.steps) == (1, 0)
    with trainer.build("host") as engine:
        assert engine.restore(made) == 0
    weights["v1.bias"] = weights["v1.bias"] + 1
    with pytest.raises(UserError, match=r"v1\.bias of 'a' differ from the frozen weights in the firmware of 'net'"):
        from_safetensors(safetensors.numpy.save(weights), layout, "'a'")


def test_arrays_that_do_not_fit_are_all_named():
    layout = layout_of()
    weights = dict(values_of(some(layout), layout).weights)
    del weights["v1.bias"]
    weights["v4.weight"] = weights["v4.weight"].T.copy()
    with pytest.raises(UserError, match=r"weight v1\.bias is missing; weight v4\.weight is of shape \(8, 4\)"):
        from_safetensors(safetensors.numpy.save(weights), layout)
    with pytest.raises(UserError, match="'a' holds other, which 'net' does not have: leave them out"):
        from_safetensors(safetensors.numpy.save({"other": np.zeros(1, np.float32)}), layout, "'a'")
    with pytest.raises(UserError, match="'a' cannot be read as safetensors"):
        from_safetensors(b"no such thing", layout, "'a'")
    nan = {
        name: np.full(array.shape, np.nan, np.float32)
        for name, array in values_of(some(layout), layout).weights.items()
    }
    with pytest.raises(UserError, match="a weight is NaN or infinite: no device loads that"):
        from_safetensors(safetensors.numpy.save(nan), layout)
    arrays = dict(values_of(some(layout), layout).weights)
    with pytest.raises(UserError, match="'a' says steps 'many', which is no count"):
        from_safetensors(safetensors.numpy.save(arrays, metadata={"steps": "many"}), layout, "'a'")
    with pytest.raises(UserError, match=r"memories have shape \(2,\), 'net' has \(4,\)"):
        checkpoint_of(StateValues(values_of(some(layout), layout).weights, {}, np.zeros(2)), layout)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ({"memories": "!"}, "the memories in 'a' are no base64"),
        ({"memories": "AAAA"}, "'a' has 3 bytes of memories, the program 16"),
        ({"velocities": "AAAAAA=="}, "'a' has 4 bytes of velocities, the program"),
    ],
)
def test_metadata_that_cannot_be_is_refused(head, sentence):
    layout = layout_of(optimizer=SGD(momentum=0.9))
    weights = dict(values_of(some(layout), layout).weights)
    with pytest.raises(UserError, match=sentence):
        from_safetensors(safetensors.numpy.save(weights, metadata=head), layout, "'a'")


def test_no_weight_goes_in_as_minus_zero():
    layout = layout_of()
    weights = {name: -np.zeros_like(array) for name, array in values_of(some(layout), layout).weights.items()}
    made = checkpoint_of(StateValues(weights, {}, np.zeros(4, np.uint32)), layout)
    assert not made.state.any()


def test_another_program_is_refused():
    layout = layout_of()
    with pytest.raises(UserError, match=r"take the _state\.json that was exported with its firmware"):
        values_of(some(layout), layout_of("ours"))
    with pytest.raises(UserError, match=r"take the _state\.json"):
        values_of(some(layout, state=np.zeros(3, np.uint32)), layout)


def test_the_layout_is_a_file_of_the_exported_project(tmp_path):
    trainer = NETWORK.train("tinyprop_v2", optimizer=SGD(momentum=0.9), trainable=["last_layer"])
    folder = trainer.export(tmp_path / "firmware")
    layout = state_layout(trainer.train_program)
    assert read_layout(folder / "net_state.json") == layout
    assert msgspec.json.decode(state_json(layout), type=StateLayout) == layout
    assert f"0x{layout.identity:08X}U" in (folder / "net.c").read_text()
    assert f"NET_STATE_WORDS {layout.words}U" in (folder / "net.h").read_text()
    with pytest.raises(UserError, match="cannot be read"):
        read_layout(folder / "other_state.json")
    with pytest.raises(UserError, match="is no state of a program"):
        read_layout(folder / "net.c")


def test_identity_is_of_what_the_words_mean_and_nothing_else():
    """Values of weights, settings, name and build may change on a device in the field; nothing else may."""
    identity = layout_of().identity
    other_weights = Network(chain("renamed", (1, 4, 4), OPS, seed=5))
    same = [
        layout_of(network=other_weights),
        layout_of(kernels="size"),
        layout_of(skip_zero_inputs=True),
        state_layout(NETWORK.train("tinyprop_v2", optimizer=SGD(weight_decay=0.01, clip=1.0)).train_program),
    ]
    assert {layout.identity for layout in same} == {identity}
    wider = Network(chain("net", (1, 4, 4), (*OPS[:3], Dense(8, 5), ReLU(), Dense(5, 3))))
    strided = Network(chain("net", (1, 6, 6), (Conv2d(1, 2, (3, 3), stride=(2, 2)), *OPS[1:])))
    different = [
        layout_of("tinyprop_v1"),
        layout_of("ours"),
        layout_of(optimizer=SGD(momentum=0.5)),
        layout_of(network=wider),
        layout_of(network=strided),
        layout_of(trainable=["last_layer"]),
        layout_of(network=other_weights, trainable=["last_layer"]),
    ]
    assert len({identity, *(layout.identity for layout in different)}) == 8


def test_identities_stay_from_version_to_version():
    """A device in the field keeps what it learned through an update of its firmware. Where this fails, checkpoints of
    today are refused by tomorrow's firmware: mend it, or say so in the changelog."""
    assert layout_of().identity == IDENTITY
    assert layout_of("ours_at_effort", optimizer=SGD(momentum=0.9)).identity == WITH_MOMENTUM


def test_equal_means_equal_bytes():
    layout = layout_of()
    assert some(layout) == some(layout)
    assert some(layout) != some(layout, steps=71)
    assert some(layout) != "a checkpoint"
    assert len({some(layout), some(layout), some(layout, steps=71)}) == 2
    assert replace(some(layout), extra=b"a") != some(layout)
