from sentiment_lstm.interpret.study_pictures import draw_study

NAMES = ("RNN", "RNN, large", "LSTM 0", "LSTM 1")


def test_networks_have_different_names_and_styles():
    runs = [
        {
            "name": name,
            "clip_norm": clip,
            "loss": [0.7, 0.6, float("nan")],
            "gradient_norm": [1.0, 2.0, float("inf")],
            "start": [1.0, 0.1, 0.0],
            "end": [1.0, 0.1, 1e-60],
        }
        for name in NAMES
        for clip in (None, 5.0)
    ]
    drawn = draw_study({"runs": runs})
    assert [p.name for p in drawn] == ["distance", "gradient_norm", "loss"]
    for picture in drawn:
        assert all(f">{name}<" in picture.markup for name in NAMES)
        assert picture.png
        assert picture.caption
    assert ">before training<" in drawn[0].markup
    assert ">without clipping<" in drawn[1].markup
