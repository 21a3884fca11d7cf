"""The line of tp_link.c and DeviceLine: training over it, what lines do to bytes, hosts and devices that go."""

import ctypes
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_in_python import CGuard, CGuardSettings
from line_in_memory import FAULTS, LinkedDevice, MemoryPort, fault_at
from tinyprop.checkpoint import decode
from tinyprop.codegen.generate import engine_files
from tinyprop.device import DeviceLine, DeviceRefused, DeviceRestarted, DeviceSilent
from tinyprop.device.frame import Frame, decode_frame, encode_frame
from tinyprop.device.line import Request
from tinyprop.device.status import SENTENCES
from tinyprop.errors import UserError
from tinyprop.ir.chain import chain
from tinyprop.ir.ops import Dense, ReLU
from tinyprop.methods.optimizer import SGD
from tinyprop.surface import Network

NETWORK = Network(chain("lined", (5,), (Dense(5, 4), ReLU(), Dense(4, 3))))
WIDE = Network(chain("wide", (300,), (Dense(300, 9), ReLU(), Dense(9, 70))))
ERR_SESSION, ERR_NUMBER, ERR_REQUEST, ERR_PLACE, ERR_NOT_BUILT, ERR_VERSION = -41, -42, -43, -44, -45, -40


def linked(network=NETWORK, method="tinyprop_v2", loss="cross_entropy") -> LinkedDevice:
    return LinkedDevice(network.train(method, loss, SGD(momentum=0.5)))


def lessons(network=NETWORK, n=6, seed=0):
    shape = (n, *network.program.input.shape)
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape).astype(np.float32), rng.integers(0, network.program.output.size, n)


@pytest.mark.parametrize("network", [NETWORK, WIDE], ids=lambda network: network.program.name)
def test_training_over_the_line_is_training(network):
    device, host = linked(network), linked(network)
    x, y = lessons(network, 12)
    line = DeviceLine(MemoryPort(device.take))
    trace, expected = line.fit(x, y, lr=0.02), host.engine.fit(x, y, lr=0.02, progress=False)
    for column in ("loss", "predicted", "skipped", "kept"):
        assert (getattr(trace, column) == getattr(expected, column)).all()
    assert device.engine.weight_hash() == host.engine.weight_hash()
    assert (line.infer(x[0]) == host.engine.logits(x[:1])[0]).all()
    assert line.counters()["steps"] == line.train(x[0], int(y[0]), 0.02).steps - 1 == 12
    assert line.facts.inputs == network.program.input.size
    assert line.facts.name == network.program.name
    assert line.retries == 0


def test_targets_are_learned_over_the_line():
    device, host = linked(WIDE, loss="mse"), linked(WIDE, loss="mse")
    x, target = lessons(WIDE, 3)[0], np.random.default_rng(4).standard_normal((3, 70)).astype(np.float32)
    line = DeviceLine(MemoryPort(device.take))
    assert line.facts.learns_targets
    assert (line.fit(x, target).loss == host.engine.fit(x, target, progress=False).loss).all()
    assert device.engine.weight_hash() == host.engine.weight_hash()


def a_session(device, port) -> list:
    """Two steps, an inference and the counters over `port`: everything that comes back."""
    x, y = lessons(n=2)
    line = DeviceLine(port, attempts=2000, clock=lambda: port.now)
    made = [line.train(sample, int(label), 0.05) for sample, label in zip(x, y, strict=True)]
    counted = line.counters()
    return [*((a.loss, a.predicted, a.skipped, a.steps, *a.kept) for a in made), *line.infer(x[0]), counted["steps"]]


@pytest.mark.parametrize("way", ["there", "back"])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_at_any_byte_changes_nothing(way, fault):
    """Whatever is lost, turned or repeated: the same answers, each step made once, the same weights."""
    device = linked()
    port = MemoryPort(device.take)
    expected, weights = a_session(device, port), device.engine.weight_hash()
    whole = port.sent if way == "there" else port.came
    for place in range(0, whole, 1 if "frame" not in fault else 7):
        device.start_anew()
        assert a_session(device, MemoryPort(device.take, **{way: fault_at(place, fault)})) == expected
        assert device.engine.weight_hash() == weights


RANDOM = linked()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(0.0, 0.01))
def test_a_bad_line_costs_time_and_nothing_else(seed, rate):
    """Bytes lost, turned, doubled and held back at random, both ways."""
    random = np.random.default_rng(seed)
    held = {"there": b"", "back": b""}

    def bad(way):
        def line(content):
            made = bytearray()
            for byte in held.pop(way, b"") + content:
                drawn = random.random()
                if drawn < rate:
                    continue
                made.append(byte ^ 1 << random.integers(0, 8) if drawn < 2 * rate else byte)
                if drawn > 1 - rate:
                    made.append(byte)
            cut = len(made) - int(random.random() < 10 * rate) * int(random.integers(0, 8))
            held[way] = bytes(made[cut:])
            return bytes(made[:cut])

        return line

    RANDOM.start_anew()
    expected, weights = a_session(RANDOM, MemoryPort(RANDOM.take)), RANDOM.engine.weight_hash()
    RANDOM.start_anew()
    assert a_session(RANDOM, MemoryPort(RANDOM.take, bad("there"), bad("back"))) == expected
    assert RANDOM.engine.weight_hash() == weights


def test_requests_of_the_past_are_not_executed():
    """A frame that comes again after the next one, or from another session, changes nothing."""
    device = linked()
    frames = []

    def remember(content):
        frames.append(content)
        return content

    line = DeviceLine(MemoryPort(device.take, there=remember))
    x, y = lessons()
    line.fit(x, y)
    before = device.engine.checkpoint()
    for late in frames[1:-1]:
        assert decode_frame(device.take(late)[:-1]).status == ERR_NUMBER
    assert device.engine.checkpoint() == before
    other = DeviceLine(MemoryPort(device.take))
    for late in frames[1:]:
        assert decode_frame(device.take(late)[:-1]).status == ERR_SESSION
    assert device.engine.checkpoint() == before
    assert other.counters()["rejected"] == 2 * len(frames) - 3


def test_a_device_that_restarts_says_so():
    device = linked()
    line = DeviceLine(MemoryPort(device.take))
    line.fit(*lessons())
    assert line.save() == (6, 1)
    half = encode_frame(Frame(Request.TRAIN, 1, 1, payload=b"12345678"))[:9]
    device.take(half)
    device.start()
    with pytest.raises(DeviceRestarted, match="what was not saved is gone: connect again"):
        line.counters()
    again = DeviceLine(MemoryPort(device.take))
    assert again.load() == (6, 1)


def test_a_line_that_echoes_is_not_answered():
    """What the device sent comes back to it: no end of answers."""
    device = linked()
    line = DeviceLine(MemoryPort(device.take))
    answer = device.take(encode_frame(Frame(Request.COUNTERS, device.link.session, device.link.number + 1)))
    rejection = device.take(encode_frame(Frame(Request.COUNTERS, 9, 9)))
    assert answer
    assert rejection
    assert device.take(answer) == device.take(rejection) == b""
    assert line.facts.name == "lined"


def test_a_hello_that_comes_late_changes_nothing_in_its_session():
    device, frames = linked(), []

    def remember(content):
        frames.append(content)
        return content

    line = DeviceLine(MemoryPort(device.take, there=remember))
    line.fit(*lessons())
    assert decode_frame(device.take(frames[0])[:-1]).status == ERR_NUMBER
    assert line.counters()["steps"] == 6


def test_a_guard_behind_the_line():
    """Its counters, its way back, a save that it would not make, and a step whose look could not be saved."""
    device = linked(method="full")
    x, y = (np.ascontiguousarray(part) for part in lessons(n=12, seed=9))
    labels = y.astype(np.uint32)
    settings_of_guard = CGuardSettings(x.ctypes.data, labels.ctypes.data, 12, 4, 2, 1)
    guard = CGuard()
    places = (ctypes.byref(guard), ctypes.byref(settings_of_guard), ctypes.byref(device.settings))
    assert device.library.tp_guard_init(*places, device.engine._handle()) == 0
    assert device.start(ctypes.cast(ctypes.pointer(guard), ctypes.c_void_p)) == 0
    line = DeviceLine(MemoryPort(device.take))
    assert line.facts.has_guard
    for _ in range(30):
        line.fit(x, y, lr=0.1)
    counted = line.counters()
    assert counted["guard.steps"] == guard.counts[0]
    assert counted["guard.looks"] > 60
    assert counted["guard.best"] >= 8
    good, steps = line.save()[0], line.counters()["guard.steps"]
    device.fail = "program"  # the look behind every fourth step fails to save; the steps are made
    assert len(line.fit(x, y, lr=0.0)) == 12
    assert line.counters()["guard.failures"] == 3
    assert line.counters()["guard.steps"] == steps + 12
    device.fail = ""
    made = line.fit(x, (y + 1) % 3, lr=1.0)  # wrong labels: some of these steps are taken back
    assert len(made) < 12
    assert line.counters()["guard.rollbacks"] > 0
    assert line.load()[0] >= good
    line.save()  # what was loaded is what counts now
    device.engine._memory.view(np.float32)[: device.engine.facts.parameters] *= -1  # a model that is worth nothing
    with pytest.raises(DeviceRefused, match="made the model worse"):
        line.save()


def test_a_host_that_goes_away_in_mid_frame_leaves_the_line_to_the_next():
    device = linked()
    first = DeviceLine(MemoryPort(device.take))
    first.fit(*lessons())
    for length in range(1, 20):
        device.take(encode_frame(Frame(Request.WRITE, 77, 3, payload=bytes(20)))[:length])
        line = DeviceLine(MemoryPort(device.take))
        assert line.counters()["steps"] == 6


def test_what_is_too_long_is_damaged_to_its_end():
    """A frame that hides behind more bytes than there is room for is not found in them."""
    device = linked()
    DeviceLine(MemoryPort(device.take))
    hidden = encode_frame(Frame(Request.COUNTERS, device.link.session, device.link.number + 1))
    for length in range(270, 290):
        assert device.take(b"\x55" * length + hidden) == b""
    assert device.counts["damaged"] == 20
    assert device.take(hidden) != b""


def test_checkpoints_are_pulled_and_pushed_only_where_that_is_built_in():
    device = linked()
    line = DeviceLine(MemoryPort(device.take))
    with pytest.raises(DeviceRefused, match="no slot holds a whole checkpoint") as refused:
        line.pull()
    assert refused.value.status == -32
    line.fit(*lessons())
    assert line.save() == (6, 1)
    assert line.pull() == device.engine.checkpoint(steps=6)
    assert decode(bytes(device.image[256:])) == line.pull()
    before = bytes(device.image)
    with pytest.raises(UserError, match="build it with -DTP_LINK_PUSH=1"):
        line.push(line.pull())
    with pytest.raises(DeviceRefused, match="was not built with TP_LINK_PUSH=1"):
        line._write(2, bytes(256), "a checkpoint")
    assert bytes(device.image) == before


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (struct.pack("<2I", 0, 0), ERR_REQUEST),  # nothing to write
        (struct.pack("<2I", 0, 20) + bytes(4), ERR_PLACE),
        (struct.pack("<2I", 0, 16) + bytes(8), ERR_PLACE),
        (struct.pack("<2I", 0, 2) + bytes(4), ERR_PLACE),
        (struct.pack("<2I", 0, 0) + bytes(3), ERR_PLACE),
        (struct.pack("<2I", 0, 2**32 - 4) + bytes(8), ERR_PLACE),
        (struct.pack("<2I", 1, 12) + bytes(4), ERR_PLACE),
        (struct.pack("<2I", 3, 0) + bytes(4), ERR_REQUEST),
        (struct.pack("<2I", 2, 0) + bytes(4), ERR_NOT_BUILT),
        (b"1234", ERR_REQUEST),
    ],
)
def test_writes_outside_are_refused(payload, status):
    device = linked()
    line = DeviceLine(MemoryPort(device.take))
    before, sample, truth = device.engine.checkpoint(), bytes(device.sample), bytes(device.truth)
    with pytest.raises(DeviceRefused) as refused:
        line._ask(Request.WRITE, payload, "a sample")
    assert refused.value.status == status
    assert (bytes(device.sample), bytes(device.truth)) == (sample, truth)
    assert device.engine.checkpoint() == before


@pytest.mark.parametrize(
    ("request_type", "payload", "status"),
    [
        (Request.READ, struct.pack("<3I", 0, 0, 24), ERR_PLACE),
        (Request.READ, struct.pack("<3I", 1, 8, 2**32 - 8), ERR_PLACE),
        (Request.READ, struct.pack("<3I", 2, 0, 265), ERR_PLACE),
        (Request.READ, struct.pack("<3I", 2, 2**32 - 1, 2), ERR_PLACE),
        (Request.READ, struct.pack("<3I", 3, 0, 4), ERR_REQUEST),
        (Request.READ, b"", ERR_REQUEST),
        (Request.TRAIN, b"1234567", ERR_REQUEST),
        (Request.TRAIN, struct.pack("<If", 3, 0.1), -3),
        (Request.TRAIN, struct.pack("<If", 0, -0.1), -5),
        (Request.INFER, b"x", ERR_REQUEST),
        (Request.COUNTERS, b"x", ERR_REQUEST),
        (Request.SAVE, b"x", ERR_REQUEST),
        (Request.LOAD, b"", -32),
        (9, b"", ERR_REQUEST),
        (0x7F, b"", ERR_REQUEST),
    ],
)
def test_requests_that_cannot_be_are_refused(request_type, payload, status):
    device = linked()
    line = DeviceLine(MemoryPort(device.take))
    before = device.engine.checkpoint()
    with pytest.raises(DeviceRefused) as refused:
        line._ask(request_type, payload, "it")
    assert refused.value.status == status
    assert device.engine.checkpoint() == before
    assert line.counters()["frames"] == 3


def test_another_version_is_told_which_one_this_is():
    device = linked()
    DeviceLine(MemoryPort(device.take))
    body = struct.pack("<BBHBb", 2, 6, 1, 1, 0)
    answer = device.take(cobs.encode(body + struct.pack("<I", zlib.crc32(body))) + b"\0")
    raw = cobs.decode(answer[:-1])
    assert (raw[0], struct.unpack("b", raw[5:6])[0]) == (1, ERR_VERSION)


def test_nobody_there():
    with pytest.raises(DeviceSilent, match=r"the device did not answer 3 times in 0\.01 s each: check the port"):
        DeviceLine(MemoryPort(lambda received: b""), timeout_s=0.01, attempts=3)
    with pytest.raises(DeviceSilent):
        DeviceLine(MemoryPort(lambda received: b"\x55" * 99), timeout_s=0.01, attempts=3)


def test_samples_that_cannot_be_are_refused_before_the_first_is_sent():
    device = linked()
    port = MemoryPort(device.take)
    line = DeviceLine(port)
    sent = port.sent
    x, y = lessons()
    for bad_x, bad_y in ((x[:, :4], y), (x, y + 1), (x, y[:3]), (np.where(x > 1, np.nan, x), y)):
        with pytest.raises(UserError):
            line.fit(bad_x, bad_y)
    assert port.sent == sent


def test_calls_with_null_pointers_are_refused():
    device = linked()
    given = (ctypes.byref(device.link), device.engine._handle(), device.sample, device.truth)
    for missing in range(4):
        arguments = [None if number == missing else one for number, one in enumerate(given)]
        assert device.library.tp_link_init(*arguments, None, None) == -1
    assert device.library.tp_link_init(given[0], (ctypes.c_void_p * 2)(), *given[2:], None, None) == -6
    device.settings.flash = None  # a place for checkpoints that cannot be
    before = bytes(device.link)
    assert device.start_with(device.link) == -30
    assert bytes(device.link) == before


def test_statuses_are_told_in_the_words_of_the_device():
    library = linked().library
    for status, sentence in SENTENCES.items():
        assert library.tp_strerror(ctypes.c_int(status)).decode() == sentence
    text = "".join(text for path, text in engine_files().items() if path.endswith(".h"))
    codes = {int(code) for code in re.findall(r"TP_\w+ = (-\d+)", text)}
    assert codes - set(SENTENCES) == {-20, -21, -22, -23, -24}  # the sample store's, which never cross the line


def test_types_and_sizes_are_those_of_the_header():
    header = engine_files()["engine/include/tp_link.h"]
    for request in Request:
        assert f"TP_LINK_{request.name} = {int(request)}" in header
    sizes = dict(re.findall(r"#define (TP_LINK_\w+) (\d+)U", header))
    assert int(sizes["TP_LINK_PAYLOAD_BYTES"]) == 264
    longest = encode_frame(Frame(255, 1, 1, payload=b"\xff" * 264))
    assert len(longest) <= int(sizes["TP_LINK_FRAME_BYTES"])


@settings(max_examples=200, deadline=None)
@given(
    kind=st.integers(0, 255), session=st.integers(0, 65535), number=st.integers(0, 255), payload=st.binary(max_size=264)
)
def test_frames_there_and_back(kind, session, number, payload):
    frame = Frame(kind, session, number, -5, payload)
    line = encode_frame(frame)
    assert line.count(b"\0") == 1
    assert decode_frame(line[:-1]) == frame


ZEROS = linked(WIDE)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, -1.0, 3.5e-38]), min_size=300, max_size=300))
def test_zeros_and_long_runs_without_any_go_through(values):
    """What stuffing is about: the device's own, in place, and the library's agree."""
    line = DeviceLine(MemoryPort(ZEROS.take))
    x = np.array(values, np.float32)
    line._write(0, x.tobytes(), "a sample")
    assert line._read(0, 1200, "a sample") == x.tobytes()


def test_the_specification_names_what_there_is():
    page = (Path(__file__).parents[2] / "docs" / "device-line.md").read_text()
    for request in Request:
        assert re.search(rf"\| {int(request)} \| {request.name} \|", page)
    for status in range(-45, -39):
        assert f"| {status} |" in page
