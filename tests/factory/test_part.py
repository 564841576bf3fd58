"""Parts of a file."""

from factory.texts.part import main


def test_parts_have_no_line_in_common_and_are_the_file_together(tmp_path):
    lines = [f"{number}\n" for number in range(1, 11)]
    (tmp_path / "file").write_text("".join(lines))
    parts = []
    for number in (1, 2, 3):
        out = tmp_path / str(number)
        main(
            ["--number", str(number), "--file", str(tmp_path / "file"), "--every=3", f"--out={out}"]
        )
        parts.append(out.read_text().splitlines(keepends=True))
    assert parts[0] == ["1\n", "4\n", "7\n", "10\n"]
    assert parts[2] == ["3\n", "6\n", "9\n"]
    assert sorted(line for part in parts for line in part) == sorted(lines)
