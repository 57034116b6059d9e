"""What `verify` finds in real files: nothing in what was written, every kind of tampering in its place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tsgateway.audit.made import audit_of, numbers, opened
from tsgateway.audit.chain import Point, canonical, digest, encode_signed
from tsgateway.audit.check import Report, What
from tsgateway.audit.keys import KeyProblem, PublicKey, Signer
from tsgateway.audit.segments import ANCHOR, HEAD, read_signed
from tsgateway.audit.verify import verify

COUNT = 60
SEGMENT = 2500
"""Bytes: ten records a file or so."""


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "audit"
    log = audit_of(folder, COUNT, SEGMENT)
    log.append([], sign=True)
    log.close()
    assert len(numbers(folder)) >= 5
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "audit"))


def kinds(report: Report) -> set[What]:
    return {finding.what for finding in report.findings}


def flat(folder: Path) -> list[tuple[Path, int, bytes]]:
    """Every line with its file and its number there, from 1."""
    return [
        (path, number, line)
        for path in sorted(folder.glob("*.jsonl"))
        for number, line in enumerate(path.read_bytes().splitlines(True), 1)
    ]


def put(folder: Path, lines: list[tuple[Path, int, bytes]]) -> None:
    files: dict[Path, bytes] = {path: b"" for path in folder.glob("*.jsonl")}
    for path, _, line in lines:
        files[path] += line
    for path, data in files.items():
        path.write_bytes(data)


def test_what_was_written_is_whole(folder: Path):
    report = verify(folder)
    assert report.is_good, report
    assert report.first == 1
    assert report.last == len(flat(folder))
    assert report.checkpoints >= 4
    assert (report.retired, report.unsigned, report.unfinished, report.noted) == (0, 0, 0, {})


# ---- hypothesis: any place, every way

PLACES = st.integers(0, 10_000)
MANY = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fresh(original: Path, folder: Path) -> list[tuple[Path, int, bytes]]:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    return flat(folder)


@MANY
@given(place=PLACES, offset=PLACES, flip=st.integers(1, 255))
def test_any_byte_that_was_changed_is_found_where_it_is(original, tmp_path, place, offset, flip):
    lines = fresh(original, tmp_path / "audit")
    path, number, line = lines[place % len(lines)]
    offset %= len(line) - 1
    changed = bytes([line[offset] ^ flip])
    lines[place % len(lines)] = (path, number, line[:offset] + changed + line[offset + 1 :])
    put(tmp_path / "audit", lines)
    report = verify(tmp_path / "audit")
    if changed == b"\n":  # now these are two lines
        assert any(f.segment == path.name and f.line in (number, number + 1) for f in report.findings)
        return
    first = report.findings[0]
    assert (first.segment, first.line) == (path.name, number), (line, changed, report.findings)
    assert first.what in (What.EDITED, What.GARBAGE, What.MISSING, What.MOVED, What.FORGED, What.MISNAMED)


@MANY
@given(
    place=PLACES, field=st.sampled_from(["who", "kind", "target", "outcome", "address", "time", "details"])
)
def test_an_edited_field_is_told_as_that_record(original, tmp_path, place, field):
    lines = fresh(original, tmp_path / "audit")
    path, number, line = lines[place % len(lines)]
    record = json.loads(line)
    record[field] = {"x": 1} if field == "details" else "mallory"
    lines[place % len(lines)] = (path, number, canonical(record) + b"\n")
    put(tmp_path / "audit", lines)
    report = verify(tmp_path / "audit")
    found = [finding for finding in report.findings if finding.what is What.EDITED]
    assert [(f.segment, f.line, f.seq) for f in found] == [(path.name, number, record["seq"])]
    assert kinds(report) <= {What.EDITED, What.FORGED}  # FORGED: it was a checkpoint


@MANY
@given(place=PLACES, count=st.integers(1, 30))
def test_deleted_records_are_missing(original, tmp_path, place, count):
    lines = fresh(original, tmp_path / "audit")
    place %= len(lines)
    gone = lines[place : place + count]
    del lines[place : place + count]
    put(tmp_path / "audit", lines)
    report = verify(tmp_path / "audit")
    first, last = (json.loads(each[2])["seq"] for each in (gone[0], gone[-1]))
    at_end = place + len(gone) == len(lines) + len(gone)
    [found] = [each for each in report.findings if each.what in (What.MISSING, What.TRUNCATED)]
    assert found.what is (What.TRUNCATED if at_end else What.MISSING)
    assert (found.seq, found.last) == (first, last)


@MANY
@given(one=PLACES, other=PLACES)
def test_records_that_changed_places_are_found(original, tmp_path, one, other):
    lines = fresh(original, tmp_path / "audit")
    one, other = one % len(lines), other % len(lines)
    if one == other:
        return
    one, other = sorted((one, other))
    a, b = lines[one], lines[other]
    lines[one], lines[other] = (a[0], a[1], b[2]), (b[0], b[1], a[2])
    put(tmp_path / "audit", lines)
    report = verify(tmp_path / "audit")
    moved = {seq for f in report.findings if f.what is What.MOVED for seq in range(f.seq, f.last + 1)}
    assert json.loads(a[2])["seq"] in moved
    assert (report.findings[0].segment, report.findings[0].line) == (a[0].name, a[1])


@MANY
@given(place=PLACES, to=PLACES)
def test_a_record_that_is_there_twice_is_found(original, tmp_path, place, to):
    lines = fresh(original, tmp_path / "audit")
    place, to = place % len(lines), to % len(lines)
    path, number, _ = lines[to]
    lines.insert(to, (path, number, lines[place][2]))
    put(tmp_path / "audit", lines)
    assert kinds(verify(tmp_path / "audit")) & {What.MOVED, What.MISSING}


@MANY
@given(size=PLACES)
def test_an_end_that_was_cut_off_is_found(original, tmp_path, size):
    folder = tmp_path / "audit"
    fresh(original, folder)
    whole = b"".join(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))
    size %= len(whole) - 1
    for path in sorted(folder.glob("*.jsonl")):
        data = path.read_bytes()
        path.write_bytes(data[:size])
        size = max(0, size - len(data))
    report = verify(folder)
    assert What.TRUNCATED in kinds(report)
    assert report.findings[-1].last == len(flat(original))


@MANY
@given(one=PLACES, other=PLACES)
def test_swapped_segments_are_found(original, tmp_path, one, other):
    folder = tmp_path / "audit"
    fresh(original, folder)
    paths = sorted(folder.glob("*.jsonl"))
    one, other = one % len(paths), other % len(paths)
    if one == other:
        return
    a, b = paths[one], paths[other]
    a.rename(folder / "aside")
    b.rename(a)
    (folder / "aside").rename(b)
    report = verify(folder)
    assert {f.segment for f in report.findings if f.what is What.MISNAMED} == {a.name, b.name}


@MANY
@given(place=PLACES)
def test_a_segment_that_was_deleted_is_found(original, tmp_path, place):
    folder = tmp_path / "audit"
    fresh(original, folder)
    paths = sorted(folder.glob("*.jsonl"))
    gone = paths[place % len(paths)]
    first = json.loads(gone.read_bytes().splitlines()[0])["seq"]
    gone.unlink()
    report = verify(folder)
    assert kinds(report) <= {What.MISSING, What.TRUNCATED}
    assert report.findings[0].seq == first


@MANY
@given(place=PLACES)
def test_a_chain_that_was_worked_out_anew_does_not_fit_its_checkpoints(original, tmp_path, place):
    """Somebody edits a record and gives all that follow the right hashes; they have no key."""
    folder = tmp_path / "audit"
    lines = fresh(original, folder)
    place %= len(lines)
    prev = None
    for number in range(place, len(lines)):
        path, where, line = lines[number]
        record = json.loads(line)
        if prev is None:
            record["who"] = "mallory"
        else:
            record["prev"] = prev
        made = canonical(record)
        prev = digest(made)
        lines[number] = (path, where, made + b"\n")
    put(folder, lines)
    report = verify(folder)
    edited = place + 1
    for finding in report.findings:
        assert finding.what in (What.FORGED, What.EDITED)
        assert finding.seq >= edited
    assert report.findings


# ---- what hypothesis does not come to


def test_a_forged_head_is_found(folder: Path):
    head, _ = read_signed(folder, HEAD)
    stranger = Signer.make(folder.parent)
    lines = flat(folder)
    put(folder, lines[:-3])
    seq, line = json.loads(lines[-4][2])["seq"], lines[-4][2].rstrip(b"\n")
    point = Point(seq, digest(line), head.point.time)
    (folder / HEAD).write_bytes(encode_signed(stranger.sign("head", point)))
    report = verify(folder)
    assert [(f.what, f.expected) for f in report.findings] == [
        (What.FORGED, "a signature by the audit's key"),
    ]
    # With its own key in the folder as well: only a key that was kept elsewhere tells.
    key = PublicKey.read(folder / "key.pub")
    shutil.copy(folder.parent / "key.pub", folder / "key.pub")
    assert What.FORGED in kinds(verify(folder, key=key))


def test_a_checkpoint_of_the_chain_is_no_head_and_no_anchor(folder: Path):
    """Each signature says what it is for."""
    lines = [json.loads(line) for _, _, line in flat(folder)]
    mark = next(each for each in lines if each["kind"] == "audit.checkpoint")
    table = {
        "format": "tsgateway-audit-1", "seq": mark["seq"] - 1, "hash": mark["prev"], "time": mark["time"],
        **mark["details"],
    }  # fmt: skip
    for name, purpose in ((HEAD, "head"), (ANCHOR, "anchor")):
        kept = (folder / name).read_bytes() if (folder / name).exists() else None
        (folder / name).write_bytes(canonical({**table, "purpose": purpose}))
        assert What.FORGED in kinds(verify(folder))
        (folder / name).unlink()
        if kept is not None:
            (folder / name).write_bytes(kept)
    assert verify(folder).is_good


@pytest.mark.parametrize("content", [None, b"", b"{}", b"nonsense", b"[" * 10_000])
def test_a_head_that_is_gone_or_damaged_is_found(folder: Path, content: bytes | None):
    (folder / HEAD).unlink()
    if content is not None:
        (folder / HEAD).write_bytes(content)
    assert [finding.what for finding in verify(folder).findings] == [What.TRUNCATED]


def test_a_head_that_was_kept_elsewhere_shows_what_the_key_s_owner_did(folder: Path):
    """With the key one can write everything anew; a checkpoint kept elsewhere does not fit then."""
    kept, _ = read_signed(folder, HEAD)
    key = PublicKey.read(folder / "key.pub")
    assert verify(folder, key=key, known=kept).is_good
    for path in [*folder.glob("*.jsonl"), folder / HEAD]:
        path.unlink()
    log = audit_of(folder, COUNT, SEGMENT)
    log.append([], sign=True)
    log.close()
    assert verify(folder, key=key).is_good
    assert kinds(verify(folder, key=key, known=kept)) == {What.EDITED}
    forged = kept._replace(point=kept.point._replace(seq=3))
    assert What.FORGED in kinds(verify(folder, key=key, known=forged))


def test_what_is_no_file_of_the_audit_is_left_alone(folder: Path):
    (folder / "1.jsonl").write_text("x")
    (folder / "000000000001.jsonl.bak").write_text("x")
    assert verify(folder).is_good


def test_garbage_of_any_size_is_found_and_not_kept_in_memory(folder: Path):
    path = sorted(folder.glob("*.jsonl"))[1]
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join([lines[0], b"x" * 1_000_000 + b"\n", *lines[1:]]))
    report = verify(folder)
    assert [(f.what, f.segment, f.line) for f in report.findings] == [(What.GARBAGE, path.name, 2)]


def test_a_key_that_is_none_is_a_sentence(folder: Path):
    (folder / "key.pub").write_text("x")
    with pytest.raises(KeyProblem, match="holds no public key"):
        verify(folder)
    (folder / "key.pub").unlink()
    with pytest.raises(KeyProblem, match="No such file"):
        verify(folder)


def test_a_line_that_is_being_written_is_no_tampering(folder: Path):
    path = sorted(folder.glob("*.jsonl"))[-1]
    with path.open("ab") as file:
        file.write(b'{"address":')
    report = verify(folder)
    assert report.is_good
    assert report.unfinished == 11
    log = opened(folder)
    log.append([], sign=True)
    report = verify(folder)
    assert (report.is_good, report.noted) == (True, {"audit.repaired": 1})
