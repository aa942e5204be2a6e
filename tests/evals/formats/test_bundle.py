"""A run as one file: what is packed, what a reader can check, and what hostile files cannot do."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tests.cli.conftest import Place, draw_video
from tests.evals.made import evidence, item, proven, record
from videoseal.core.files import write_whole
from videoseal.core.frames import VideoReader
from videoseal.core.settings import Settings
from videoseal.core.video import content_id
from videoseal.evals.formats.bundle import BadBundle, open_bundle, write_bundle
from videoseal.evals.formats.bundle_check import ALIKE, picture_difference, verify_bundle
from videoseal.evals.manifest import RunSpec, SystemSpec, describe
from videoseal.evals.records import RecordFile
from videoseal.evals.verdicts import Judgement, JudgementFile
from videoseal.graph.ledger import ShownFrame
from videoseal.models.types import Question
from videoseal.tools.frame_cache import FrameCache

TIMES = (5.0, 16.0, 20.0)
NAMES = ("files", "frames", "figures", "videos")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a video, a run of two questions about it, and the run's bundle."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "videos").mkdir()
    video = draw_video(folder / "videos" / "v1.mp4")
    _run(folder, video)
    write_bundle(folder / "runs" / "made", folder / "made.zip", FrameCache(folder / "frames", 0),
                 folder / "videos")  # fmt: skip
    return folder


def _run(folder: Path, video: Path) -> None:
    with VideoReader(video) as reader:
        pictures = [(p.time, p.jpeg(1280, 85)) for p in reader.frames_at(TIMES)]
    frames = [
        ShownFrame(time=t, sha256=hashlib.sha256(j).hexdigest(), ref=f"{round(t * 1e6)}-1280-85")
        for t, j in pictures
    ]
    entry = evidence(times=TIMES).model_copy(update={"spans": [(0.0, 24.0)], "frames": frames})
    run = folder / "runs" / "made"
    annotations = folder / "rows.json"
    annotations.write_text("[]")
    spec = RunSpec(benchmark="cgbench", limit=2, cells=[SystemSpec(context={"max_steps": 4})])
    models = {"planner": "p"}
    run.mkdir(parents=True)
    write_whole(
        run / "manifest.json", describe(spec, annotations, models, Settings()).model_dump_json()
    )
    with RecordFile(run / "samples.jsonl") as file:
        for uid, letter in (("1", "B"), ("2", "A")):
            asked = item(uid, evidence=[(4.0, 7.0)])
            kept = record(asked, proven(letter, [entry]), [entry])
            file.append(kept.model_copy(update={"video_id": content_id(video), "duration": 24.0}))
    ruled = Judgement(
        uid="1", mode="decoupled", video="cgbench/v1", judge="j", request_sha256="0" * 64,
        asked=True, grounded=True, finished=kept.finished,
    )  # fmt: skip
    with JudgementFile(run) as verdicts:
        verdicts.append(ruled)


def _states(path: Path, videos: Path | None = None) -> dict[str, str]:
    return {check.name: check.state for check in verify_bundle(path, videos)}


def _changed(made: Path, out: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The bundle with other members, whose index tells their true hashes."""
    with zipfile.ZipFile(made / "made.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    index = json.loads(members["bundle.json"])
    index["files"] = {name: hashlib.sha256(data).hexdigest()
                      for name, data in members.items() if name != "bundle.json"}  # fmt: skip
    members["bundle.json"] = json.dumps(index).encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out


def test_a_bundle_holds_all_that_a_reader_needs(made: Path) -> None:
    """Records, verdicts, manifest, frames by their hash, environment, command, figures."""
    with open_bundle(made / "made.zip") as bundle:
        names = set(bundle.index.files)
        assert {"samples.jsonl", "manifest.json", "judgements.jsonl"} < names
        assert sum(name.startswith("frames/") for name in names) == len(TIMES)
        assert bundle.index.command == [
            "videoseal", "eval", "cgbench", "--mode", "decoupled", "--max-steps", "4",
            "--annotations", "FILE", "--videos", "DIR", "--limit", "2",
        ]  # fmt: skip
        assert {"python", "packages", "git", "machine"} <= bundle.index.environment.keys()
        assert bundle.index.figures[0]["scores"]["accuracy"]["mean"] == 0.5
        assert bundle.index.figures[0]["scores"]["G_s"]["n"] == 1
        assert not bundle.index.missing


def test_a_true_bundle_is_verified_to_the_byte(made: Path) -> None:
    """With the video at hand every cited frame comes out the same."""
    checks = verify_bundle(made / "made.zip", made / "videos")
    assert [(check.name, check.state) for check in checks] == [(name, "ok") for name in NAMES]
    assert checks[-1].text == "3 of 3 cited frames decoded again: 3 exact, 0 alike"


def test_frames_come_from_the_cache_and_lost_ones_are_listed(made: Path, tmp_path: Path) -> None:
    """What neither cache nor video has is told when it is packed, and when it is checked."""
    index = write_bundle(made / "runs" / "made", tmp_path / "b.zip", FrameCache(tmp_path, 0))
    assert len(index.missing) == len(TIMES)
    assert _states(tmp_path / "b.zip")["frames"] == "warn"
    cache = FrameCache(tmp_path / "cache", 100)
    video = made / "videos" / "v1.mp4"
    with VideoReader(video) as reader:
        for picture in reader.frames_at(TIMES):
            frame: Any = type("F", (), {"time": picture.time, "jpeg": picture.jpeg(1280, 85)})
            cache.put(content_id(video), picture.time, frame, side=1280, quality=85)
    assert not write_bundle(made / "runs" / "made", tmp_path / "c.zip", cache).missing


def _reencoded(source: Path, target: Path, *, crf: int) -> Path:
    import av

    target.parent.mkdir()
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = read.streams.video[0]
        made = written.add_stream("libx264", rate=stream.average_rate, options={"crf": str(crf)})
        made.width, made.height, made.pix_fmt = stream.width, stream.height, "yuv420p"
        for frame in read.decode(stream):
            frame.pict_type = 0
            written.mux(made.encode(frame))
        written.mux(made.encode(None))
    return target


def test_another_file_of_the_same_pictures_is_alike(made: Path, tmp_path: Path) -> None:
    """Where bytes cannot agree pictures are compared, and that is said."""
    _reencoded(made / "videos" / "v1.mp4", tmp_path / "other" / "v1.mp4", crf=30)
    (*_, last) = verify_bundle(made / "made.zip", tmp_path / "other")
    assert last.state == "ok"
    assert "0 exact, 3 alike; compared as pictures: another file" in last.text


def test_another_video_is_not(made: Path, tmp_path: Path) -> None:
    """Its frames are not the cited ones."""
    from tests.media import Clip

    Clip(frames=300, gop=30, size=(640, 360)).write(tmp_path / "v1.mp4")
    (*_, last) = verify_bundle(made / "made.zip", tmp_path)
    assert (last.state, "is not the cited one" in last.text) == ("fail", True)
    (tmp_path / "none").mkdir()
    assert _states(made / "made.zip", tmp_path / "none")["videos"] == "warn"


def test_a_changed_frame_is_found_though_all_hashes_agree(made: Path, tmp_path: Path) -> None:
    """Whoever forges a picture and every hash of it cannot forge the video."""

    def forge(members: dict[str, bytes]) -> None:
        name = next(name for name in members if name.startswith("frames/"))
        with Image.open(io.BytesIO(members.pop(name))) as picture:
            ImageDraw.Draw(picture).rectangle((300, 150, 330, 180), fill=(0, 0, 0))
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=95)
        before, after = name[7:-4], hashlib.sha256(out.getvalue()).hexdigest()
        members[f"frames/{after}.jpg"] = out.getvalue()
        members["samples.jsonl"] = members["samples.jsonl"].replace(before.encode(), after.encode())

    forged = _changed(made, tmp_path / "forged.zip", forge)
    assert [*_states(forged).values()] == ["ok", "ok", "ok"]
    assert _states(forged, made / "videos")["videos"] == "fail"


def _figure(members: dict[str, bytes]) -> None:
    index = json.loads(members["bundle.json"])
    index["figures"][0]["scores"]["accuracy"]["mean"] = 0.75
    members["bundle.json"] = json.dumps(index).encode()


def _answer(members: dict[str, bytes]) -> None:
    members["samples.jsonl"] = members["samples.jsonl"].replace(b'"choice":"A"', b'"choice":"B"')


def _no_frame(members: dict[str, bytes]) -> None:
    del members[next(name for name in members if name.startswith("frames/"))]


def _no_verdicts(members: dict[str, bytes]) -> None:
    del members["judgements.jsonl"]


@pytest.mark.parametrize(
    ("change", "check"),
    [(_figure, "figures"), (_answer, "figures"), (_no_verdicts, "figures"), (_no_frame, "frames")],
)
def test_what_was_changed_with_its_hash_is_found(
    made: Path, tmp_path: Path, change: Any, check: str
) -> None:
    """Figures follow from records, and frames from citations."""
    states = _states(_changed(made, tmp_path / "b.zip", change))
    assert {name for name, state in states.items() if state == "fail"} == {check}


@pytest.mark.parametrize(
    ("drawn", "share", "state"),
    [
        ("here", 0.0, "ok"),
        ("here", 0.08, "fail"),
        ("earlier", 0.08, "ok"),
        ("earlier", 0.5, "fail"),
    ],
)
def test_ends_of_intervals_drawn_by_other_software_agree_as_far_as_chance_goes(
    tmp_path: Path, drawn: str, share: float, state: str
) -> None:
    """Bundles from before scipy drew intervals name nothing that did, and are verified still."""
    run, path = tmp_path / "many", tmp_path / "made.zip"
    with RecordFile(run / "samples.jsonl") as file:
        for number in range(60):
            asked = item(str(number), video=f"v{number % 10}")
            file.append(record(asked, proven("AB"[number * number % 5 == 1])))
    write_bundle(run, path, FrameCache(tmp_path / "frames", 0))

    def moved(members: dict[str, bytes]) -> None:
        index = json.loads(members["bundle.json"])
        accuracy = index["figures"][0]["scores"]["accuracy"]
        accuracy["low"] += share * (accuracy["high"] - accuracy["low"])
        if drawn == "earlier":
            del index["environment"]["intervals"]
        members["bundle.json"] = json.dumps(index).encode()

    assert _states(_changed(tmp_path, tmp_path / "moved.zip", moved))["figures"] == state


def test_what_earlier_versions_did_not_tell_is_not_missed(tmp_path: Path) -> None:
    """A bundle of open questions from before figures were told by hops is verified still."""
    with RecordFile(tmp_path / "many" / "samples.jsonl") as file:
        for number in range(4):
            asked = item(str(number), "Rome", question=Question(text="Where?"), evidence=[],
                         benchmark="longvidsearch", group=f"{number % 2 + 2}-Hop")  # fmt: skip
            file.append(record(asked, proven()))
    write_bundle(tmp_path / "many", tmp_path / "made.zip", FrameCache(tmp_path / "frames", 0))

    def shortened(*parts: str) -> Callable[[dict[str, bytes]], None]:
        def change(members: dict[str, bytes]) -> None:
            index = json.loads(members["bundle.json"])
            for part in parts:
                del index["figures"][0][part]
            members["bundle.json"] = json.dumps(index).encode()

        return change

    before = _changed(tmp_path, tmp_path / "before.zip", shortened("hops", "categories"))
    assert _states(before)["figures"] == "ok"
    cut = _changed(tmp_path, tmp_path / "cut.zip", shortened("spending"))
    assert _states(cut)["figures"] == "fail"


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.data())
def test_a_flipped_bit_is_found_or_changes_nothing(
    made: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Every byte of the contents counts; no damage is any other error than the one."""
    raw = bytearray((made / "made.zip").read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "b.zip"
    path.write_bytes(raw)
    try:
        states = _states(path)
    except BadBundle:
        return
    if "fail" not in states.values():
        with open_bundle(path) as one, open_bundle(made / "made.zip") as other:
            assert dict(one.hashes()) == dict(other.hashes())
            assert one.index == other.index


@given(st.binary(max_size=200))
def test_other_bytes_are_no_bundle(data: bytes) -> None:
    """There is one error for them."""
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".zip") as file:
        file.write(data)
        file.flush()
        with pytest.raises(BadBundle, match="is no bundle"), open_bundle(Path(file.name)):
            pass


def _hostile(name: str, data: bytes = b"x", mode: int = 0) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)

    return write


def _lying(path: Path) -> None:
    """The directory tells a small size of what is large."""
    _hostile("experiment.yaml", bytes(40 << 20))(path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace((40 << 20).to_bytes(4, "little"), (99).to_bytes(4, "little")))


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (_hostile("../../evil.txt"), "it holds '../../evil.txt'"),
        (_hostile("/etc/evil"), "it holds '/etc/evil'"),
        (_hostile("C:\\evil"), "it holds"),
        (_hostile("frames/../../evil.jpg"), "it holds"),
        (_hostile("frames/" + "A" * 64 + ".jpg"), "it holds"),
        (_hostile("link", b"/etc/passwd", 0o120777), "it holds 'link'"),
        (_hostile("experiment.yaml", bytes(40 << 20)), "would unpack experiment.yaml to"),
        (_hostile(f"frames/{'0' * 64}.jpg", bytes(40 << 20)), "would unpack frames/"),
        (_lying, "cannot be read|unpack"),
        pytest.param(_hostile("samples.jsonl"), "two files of one name",
                     marks=pytest.mark.filterwarnings("ignore:Duplicate name")),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_in_one_line(
    made: Path, tmp_path: Path, write: Callable[[Path], None], says: str
) -> None:
    """Names that climb, links, doubles and bombs: nothing of them reaches the disk."""
    path = tmp_path / "sub" / "b.zip"
    path.parent.mkdir()
    shutil.copy(made / "made.zip", path)
    write(path)
    with pytest.raises(BadBundle, match=says) as caught, open_bundle(path) as bundle:
        dict(bundle.hashes())
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.rglob("*")] == ["sub", "b.zip"]


def test_the_commands_pack_and_verify(made: Path, tmp_path: Path) -> None:
    """Results on standard output, exit code 1 for what is not true, 2 for no bundle."""
    place, out = Place(made, "postgresql://127.0.0.1:1/none"), tmp_path / "b.zip"
    packed = place.run("eval", "bundle", "made", "--out", out, "--videos", made / "videos")
    assert (packed.exit_code, packed.stdout) == (0, f"{out}: 6 files\n")
    told = place.run("eval", "verify", out, "--videos", made / "videos", "--sample", "2")
    assert told.exit_code == 0
    assert "2 of 3 cited frames decoded again: 2 exact, 0 alike" in told.stdout
    forged = _changed(made, tmp_path / "forged.zip", _figure)
    told = place.run("eval", "verify", forged, "--json")
    assert told.exit_code == 1
    assert [each["state"] for each in json.loads(told.stdout)] == ["ok", "ok", "fail"]
    assert "0.75 stored, 0.5 recomputed" in json.loads(told.stdout)[2]["text"]
    forged.write_bytes(b"no zip")
    assert place.run("eval", "verify", forged).exit_code == 2


def test_pictures_differ_by_their_most_different_square() -> None:
    """Compression moves little, a digit much, and other sizes have nothing in common."""

    def jpeg(text: str, quality: int, side: int = 200) -> bytes:
        picture, out = Image.new("RGB", (side, 100), (90, 120, 140)), io.BytesIO()
        ImageDraw.Draw(picture).text((20, 20), text, fill=(255, 255, 255))
        picture.save(out, "JPEG", quality=quality)
        return out.getvalue()

    assert picture_difference(jpeg("4127", 90), jpeg("4127", 60)) < ALIKE
    assert picture_difference(jpeg("4127", 90), jpeg("4129", 90)) > ALIKE
    assert picture_difference(jpeg("4127", 90), jpeg("4127", 90, 208)) == float("inf")
    assert picture_difference(jpeg("4127", 90), b"no picture") == float("inf")
