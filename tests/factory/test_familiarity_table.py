import json

from factory.measure import familiarity_table
from sentiment_lstm.bundle import SHIPPED, load_bundle
from sentiment_lstm.text.familiarity_scores import stored_familiarity


def test_the_entry_is_made_of_the_texts_that_are_there(tmp_path, monkeypatch):
    sentence = "The food was cold, but the waiter was kind and the room was warm."
    lines = [json.dumps({"text": f"{sentence} {n}"}) for n in range(2_000)]
    (tmp_path / "written.jsonl").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(familiarity_table, "SETS", ())
    files = (tmp_path / "written.jsonl", tmp_path / "domains.jsonl")
    monkeypatch.setattr(familiarity_table, "WRITTEN", files)
    out = tmp_path / "familiarity.json"
    assert familiarity_table.main(["--model", str(SHIPPED / "default"), "--out", str(out)]) == 0
    tokenizer = load_bundle(SHIPPED / "default").tokenizer
    known = stored_familiarity(json.loads(out.read_text()), len(tokenizer))
    assert known is not None
    texts = [sentence, "Das Essen war kalt und der Kellner unfreundlich."]
    scores = known.of([text.ids for text in tokenizer.encode(texts)])
    assert scores[1] < 0.5 < scores[0]
