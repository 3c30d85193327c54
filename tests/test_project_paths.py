import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import NotFound, OutsideRoots
from bridge.project_paths import check_roots, output_parent, partial_name, result_name, stem_file_name


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_without_a_project_results_go_beside_the_clip(tmp_path: Path) -> None:
    assert output_parent(put(tmp_path / "music" / "a.wav"), None) == tmp_path / "music" / "stems"


@pytest.mark.parametrize("marker", ["Ableton Project Info/x.cfg", "My Song.als"])
def test_a_live_project_has_its_own_stems_folder(tmp_path: Path, marker: str) -> None:
    put(tmp_path / "song" / marker)
    clip = put(tmp_path / "song" / "Samples" / "Recorded" / "a.wav")
    assert output_parent(clip, None) == tmp_path / "song" / "Samples" / "Processed" / "Stems"


@pytest.mark.parametrize("marker", ["song.ardour", "Song.RPP"])
def test_other_projects_get_a_stems_folder_outside_the_daws_folders(tmp_path: Path, marker: str) -> None:
    put(tmp_path / "song" / marker)
    clip = put(tmp_path / "song" / "interchange" / "song" / "audiofiles" / "a.wav")
    assert output_parent(clip, None) == tmp_path / "song" / "stems"


def test_a_project_that_is_made_after_its_folder_was_looked_at_is_found(tmp_path: Path) -> None:
    clip = put(tmp_path / "song" / "a.wav")
    put(tmp_path / "song" / ".als")  # a hidden file without a suffix, no project
    (tmp_path / "song" / "folder.als").mkdir()
    os.utime(tmp_path / "song", (1, 1))  # unchanged for long
    assert output_parent(clip, None) == output_parent(clip, None) == tmp_path / "song" / "stems"
    put(tmp_path / "song" / "My Song.als")
    assert output_parent(clip, None) == tmp_path / "song" / "Samples" / "Processed" / "Stems"
    (tmp_path / "song" / "My Song.als").unlink()
    assert output_parent(clip, None) == tmp_path / "song" / "stems"


def test_a_named_project_overrides_the_clips_folder(tmp_path: Path) -> None:
    clip = put(tmp_path / "elsewhere" / "a.wav")
    project = put(tmp_path / "song" / "song.als")
    assert output_parent(clip, str(project)) == tmp_path / "song" / "Samples" / "Processed" / "Stems"
    assert output_parent(clip, str(project.parent)) == tmp_path / "song" / "Samples" / "Processed" / "Stems"


def test_a_missing_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        output_parent(put(tmp_path / "a.wav"), str(tmp_path / "gone.als"))


def test_a_project_that_cannot_be_looked_at_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        output_parent(tmp_path / "a.wav", str(tmp_path / ("a" * 300)))


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (None, "Ünïcode 🎸 \"clip\"".replace('"', "_")),
        ("my take", "my take"),
        ("Fu\u0308r E\u0301lise", "Fu\u0308r E\u0301lise"),
        ("F\u00fcr \u00c9lise", "F\u00fcr \u00c9lise"),
        ("a/b:c", "a_b_c"),
        ("con", "con_"),
        ("Con.txt", "Con_.txt"),
        ("x" * 179 + ".wav", "x" * 179),
        ("ends with dots...", "ends with dots"),
        ("...", "clip"),
        ("   ", "clip"),
    ],
)  # fmt: skip
def test_names_are_valid_on_every_system(wanted: str | None, name: str) -> None:
    assert result_name(Path('/x/Ünïcode 🎸 "clip".wav'), wanted) == name


@given(st.text(), st.text(min_size=1, max_size=300))
def test_any_name_becomes_a_valid_file_name(tmp_path_factory: pytest.TempPathFactory, wanted: str, source: str) -> None:
    name = result_name(Path("/x") / source.replace("/", "").replace("\0", ""), wanted or None)
    file = partial_name("12345678", stem_file_name(name, "vocals", "wav"))
    assert len(file.encode()) <= 255
    folder = tmp_path_factory.getbasetemp() / "names"
    folder.mkdir(exist_ok=True)
    (folder / file).touch()
    (folder / file).unlink()


def test_links_do_not_lead_out_of_the_roots(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside" / "a.wav")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.wav").symlink_to(outside)
    check_roots(put(root / "b.wav"), [root])
    check_roots(outside, [])
    for path in (outside, root / "link.wav", root / ".." / "outside" / "a.wav"):
        with pytest.raises(OutsideRoots):
            check_roots(path, [root])
