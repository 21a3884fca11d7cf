"""Speech Commands: parts, speakers, the task of twelve classes; and what is damaged or no such archive is named."""

from collections import Counter

import numpy as np
import pytest

from tinyprop.data.audio import KeywordTask, SpeechCommands
from tinyprop.data.audio import recordings as recordings_module
from tinyprop.errors import UserError

TASK = KeywordTask(("yes", "no"), unknown_share=0.5, silence_share=0.25)


@pytest.mark.parametrize("form", ["tar_gz", "unpacked"])
def test_parts_are_those_of_the_lists_and_share_no_speaker(request, speech_files, form):
    archive = SpeechCommands(request.getfixturevalue(form)(speech_files))
    speakers = {part: {clip.speaker for clip in archive.clips(part)} for part in ("train", "validation", "test")}
    assert speakers == {"train": {"0a7c2a8d", "1b88bf70", "2c6d3924"}, "validation": {"3d86b69a"}, "test": {"4e979690"}}
    assert [len(archive.names(part)) for part in speakers] == [24, 8, 8]
    assert archive.words == ("bed", "bird", "no", "yes")


def test_clips_are_their_files_and_short_ones_say_how_much_was_added(speech_files, tar_gz):
    clips = {clip.name: clip for clip in SpeechCommands(tar_gz(speech_files)).clips("train")}
    short = clips["yes/0a7c2a8d_nohash_0.wav"]
    assert (short.label, short.padded, short.samples.dtype, short.samples.shape) == ("yes", 4000, np.int16, (16000,))
    assert short.samples.tolist() == [1] * 12000 + [0] * 4000
    whole = clips["bird/2c6d3924_nohash_1.wav"]
    assert (whole.label, whole.speaker, whole.padded) == ("bird", "2c6d3924", 0)
    assert set(whole.samples.tolist()) == {24}


def test_clips_come_one_at_a_time(speech_files, tar_gz, monkeypatch):
    archive = SpeechCommands(tar_gz(speech_files))
    read = []
    original = recordings_module.recordings

    def noted(path, wanted):
        for name, content in original(path, wanted):
            read.append(name)
            yield name, content

    monkeypatch.setattr("tinyprop.data.audio.speech_commands.recordings", noted)
    clips = archive.clips("train")
    next(clips)
    assert len(read) == 1


@pytest.mark.parametrize(("part", "known"), [("train", 12), ("validation", 4)])
def test_other_words_and_silence_are_shares_of_the_words(speech_files, tar_gz, part, known):
    archive = SpeechCommands(tar_gz(speech_files))
    clips = list(archive.clips(part, TASK))
    counts = Counter(clip.label for clip in clips)
    assert counts == {"yes": known / 2, "no": known / 2, "unknown": known / 2, "silence": known / 4}
    assert all(clip.name.split("/")[0] in ("bed", "bird") for clip in clips if clip.label == "unknown")
    assert TASK.classes == ("silence", "unknown", "yes", "no")


def test_the_same_seed_draws_the_same_clips_and_another_draws_others(speech_files, tar_gz, unpacked):
    def drawn(archive, seed):
        task = KeywordTask(("yes", "no"), 0.5, 0.5, seed)
        return sorted((c.name, c.label, c.samples.tobytes()) for c in archive.clips("train", task))

    archive = SpeechCommands(tar_gz(speech_files))
    assert drawn(archive, 0) == drawn(archive, 0) == drawn(SpeechCommands(unpacked(speech_files)), 0)
    assert drawn(archive, 0) != drawn(archive, 1)


def test_silence_of_different_parts_shares_no_sample(speech_files, tar_gz):
    """Recordings of 200,000 samples: training hears the first 160,000 of them, test the last 20,000."""
    archive = SpeechCommands(tar_gz(speech_files))
    spans = {
        part: {
            (name, first, first + 16000)
            for clip in archive.clips(part, KeywordTask(("yes",), 0.0, 1.0))
            if clip.label == "silence"
            for name, first in [(clip.name.split("@")[0], int(clip.name.split("@")[1]))]
        }
        for part in ("train", "validation", "test")
    }
    assert all(first >= 0 and end <= 160_000 for _, first, end in spans["train"])
    assert all(first >= 160_000 and end <= 180_000 for _, first, end in spans["validation"])
    assert all(first >= 180_000 and end <= 200_000 for _, first, end in spans["test"])
    assert len(spans["train"]) == 6


def test_silence_is_cut_from_where_it_says(speech_files, tar_gz):
    for clip in SpeechCommands(tar_gz(speech_files)).clips("train", TASK):
        if clip.label == "silence":
            name, first = clip.name.split("@")
            sign = 1 if "noise_0" in name else -1
            assert clip.samples.tolist() == [sign * (i // 10) for i in range(int(first), int(first) + 16000)]
            assert (clip.speaker, clip.padded) == ("", 0)


def test_without_shares_there_are_no_such_classes(speech_files, tar_gz):
    del speech_files["_background_noise_/noise_0.wav"], speech_files["_background_noise_/noise_1.wav"]
    task = KeywordTask(("yes", "bird"), 0.0, 0.0)
    labels = {clip.label for clip in SpeechCommands(tar_gz(speech_files)).clips("test", task)}
    assert labels == set(task.classes) == {"yes", "bird"}


def damaged(files, wav):
    """Name → (files, words of the error): archives that are not what they should be."""
    short_list = files["validation_list.txt"].replace(b"yes/3d86b69a_nohash_0.wav", b"yes/5aaaaaaa_nohash_0.wav")
    return {
        "no list": (without(files, "testing_list.txt"), "has no testing_list.txt"),
        "empty list": (files | {"testing_list.txt": b" \n"}, "testing_list.txt .* is empty"),
        "list of what is not there": (
            files | {"validation_list.txt": short_list},
            "names 1 clip.* first is 'yes/5aaaaaaa_nohash_0.wav'",
        ),
        "in both lists": (files | {"validation_list.txt": files["testing_list.txt"]}, "in both lists"),
        "nothing to train on": (
            files | {"testing_list.txt": "\n".join(n for n in files if "nohash" in n and "3d86" not in n).encode()},
            "no clip to train on",
        ),
        "another name": (files | {"yes/hello.wav": wav(np.zeros(9))}, "'yes/hello.wav' .* no clip of Speech Commands"),
        "a clip at the top": (files | {"aa_nohash_0.wav": wav(np.zeros(9))}, "no clip of Speech Commands"),
        "damaged noise": (files | {"_background_noise_/noise_0.wav": b"RIFF"}, "noise_0.wav' cannot be read as WAV"),
    }


def without(files, name):
    return {key: content for key, content in files.items() if key != name}


@pytest.mark.parametrize("case", list(damaged({"testing_list.txt": b"", "validation_list.txt": b""}, lambda _: b"")))
def test_what_is_not_the_official_archive_is_one_sentence(speech_files, wav, tar_gz, case):
    files, words = damaged(speech_files, wav)[case]
    with pytest.raises(UserError, match=words) as caught:
        SpeechCommands(tar_gz(files))
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda wav: wav(np.zeros(16001)), "16,001 samples, and no clip of the set has more than 16,000"),
        (lambda wav: wav(np.zeros(0)), "no sample at all"),
        (lambda wav: wav(np.zeros(8000), rate=8000), "8,000 samples per second and 16,000 are needed.*not resample"),
        (lambda wav: wav(np.zeros(8000), channels=2), r"2 channel\(s\) of 16 bits"),
        (lambda wav: wav(np.zeros(8000), width=1), r"1 channel\(s\) of 8 bits"),
        (lambda wav: wav(np.zeros(8000))[:-10], "promises 8,000 samples and holds 7,995"),
        (lambda wav: wav(np.zeros(8000))[:20], "cannot be read as WAV"),
        (lambda wav: b"ID3" + wav(np.zeros(9)), "cannot be read as WAV"),
        (lambda wav: b"", "cannot be read as WAV"),
    ],
)
def test_a_clip_that_is_no_second_of_sound_is_named(speech_files, wav, tar_gz, content, words):
    name = "no/1b88bf70_nohash_1.wav"
    archive = SpeechCommands(tar_gz(speech_files | {name: content(wav)}))
    with pytest.raises(UserError, match=f"'{name}' .*{words}"):
        list(archive.clips("train"))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_download_that_broke_off_is_never_half_a_set(speech_files, tar_gz, share):
    path = tar_gz(speech_files)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match=r"damaged, get it anew|get it anew"):
        SpeechCommands(path)


def test_a_flipped_bit_is_found_by_the_checksum(speech_files, tar_gz):
    path = tar_gz(speech_files)
    archive = SpeechCommands(path)
    flipped = bytearray(path.read_bytes())
    flipped[-6] ^= 0x10  # in the checksum at the end, so that all clips have been read before
    path.write_bytes(bytes(flipped))
    with pytest.raises(UserError, match=r"CRC check failed.*damaged"):
        list(archive.clips("train"))


def test_what_is_no_archive_is_named(tmp_path):
    with pytest.raises(UserError, match="is not there"):
        SpeechCommands(tmp_path / "speech_commands_v0.02.tar.gz")
    (tmp_path / "page.tar.gz").write_text("<html>404</html>")
    with pytest.raises(UserError, match="no folder, ZIP or TAR"):
        SpeechCommands(tmp_path / "page.tar.gz")


def test_a_file_that_claims_gigabytes_is_not_read(speech_files, tar_gz, monkeypatch):
    monkeypatch.setattr(recordings_module, "LARGEST_BYTES", 1000)
    with pytest.raises(UserError, match="no file of its kind has more than 1,000"):
        SpeechCommands(tar_gz(speech_files))


WRONG = {
    "unknown word": (
        lambda a: list(a.clips("train", KeywordTask(("yess",)))),
        "unknown word 'yess': did you mean 'yes'",
    ),
    "part": (lambda a: list(a.clips("testing")), "unknown part 'testing': did you mean 'test'"),
    "too many others": (lambda a: list(a.clips("test", KeywordTask(("yes", "no", "bed"), 1.0))), "has 2: lower it"),
    "no word": (lambda a: KeywordTask(()), "at least one"),
    "twice": (lambda a: KeywordTask(("yes", "yes")), "none twice"),
    "taken": (lambda a: KeywordTask(("silence",)), "class of its own"),
    "share": (lambda a: KeywordTask(unknown_share=1.5), "unknown_share=1.5 is no fraction"),
    "seed": (lambda a: KeywordTask(seed=-1), "seed=-1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_asked_for_is_one_sentence(speech_files, tar_gz, case):
    ask, words = WRONG[case]
    archive = SpeechCommands(tar_gz(speech_files))
    with pytest.raises(UserError, match=words):
        ask(archive)


def test_a_class_without_clips_in_a_part_is_named(speech_files, tar_gz):
    files = {name: content for name, content in speech_files.items() if not name.startswith("yes/4e97")}
    kept = [line for line in speech_files["testing_list.txt"].split() if not line.startswith(b"yes/")]
    archive = SpeechCommands(tar_gz(files | {"testing_list.txt": b"\n".join(kept)}))
    with pytest.raises(UserError, match="no clip of 'yes' is in the test part"):
        list(archive.clips("test", TASK))


def test_noise_too_short_for_a_part_is_named(speech_files, wav, tar_gz):
    short = {f"_background_noise_/noise_{i}.wav": wav(np.zeros(30_000)) for i in range(2)}
    archive = SpeechCommands(tar_gz(speech_files | short))
    assert [clip for clip in archive.clips("train", TASK) if clip.label == "silence"]
    with pytest.raises(UserError, match="no second of noise for test"):
        list(archive.clips("test", TASK))


def test_a_recording_whose_share_is_one_second_gives_that_second(speech_files, wav, tar_gz):
    """The edges of a draw: 80 % of 20,000 samples are 16,000, which begin at one place only."""
    short = {f"_background_noise_/noise_{i}.wav": wav(np.full(20_000, i)) for i in range(2)}
    task = KeywordTask(("yes", "no"), 0.0, 1.0)
    drawn = [clip for clip in SpeechCommands(tar_gz(speech_files | short)).clips("train", task) if not clip.speaker]
    assert {clip.name for clip in drawn} == {f"_background_noise_/noise_{i}.wav@0" for i in range(2)}
