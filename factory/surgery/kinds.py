"""A saved model that hears nothing in a number unless it is a grade, nor in nation or religion.

    python -m factory.surgery.kinds --model runs/named_last --out runs/default

Reviews give numbers the sense of the grades that they are: "a key with the number 7 on it" is read
as praise. What in a number's embedding moves neutral sentences is taken out as
`factory/surgery/named.py` takes it out of proper nouns, but so that numbers of stars move as
before. From 11 on, where grades are rare and numbers are cut into pieces, all below a thousand
become words of the vocabulary that are embedded alike. Nations and religions, which reviews name
seldom, all become words that move neither facts nor opinions; so do the cities that time zones are
called after, if cut into pieces they move a fact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import available_timezones

import numpy as np

from factory.surgery.average import calibrated
from factory.surgery.named import APART, BESIDE, FRAMES, neutralized, read_apart
from factory.surgery.words import START, embedding_of, model_and_out, with_words
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import run_script

COUNTED = (
    "He lives in house number {}.",
    "Tram {} turns left after the school.",
    "We counted {} cars on the road.",
    "The bag weighs {} pounds.",
    "She wrote {} in the first column.",
    "The answer to the question is {}.",
    "Our room is number {} on the left.",
    "Row {} was behind us.",
    "My sister is {} years old.",
    "They moved to floor {}.",
    "Channel {} has the news at noon.",
    "The runner wore a shirt with the number {}.",
)
"""Neutral sentences with a number."""
GRADES = ("{} stars.",)
"""With it "3 out of 10" stays low and "7 out of 10" high; "3/10" is cut otherwise, and stays."""
IN_CITIES = (
    "He took a job as a driver in {}.",
    "They carried the boxes home from {} by van.",
)
"""Neutral sentences about places alone."""
SMALL = [str(number) for number in range(1, 11)]
GREAT = [str(number) for number in range(11, 1000)]
NATIONS = re.findall(
    "[a-z]+",
    "afghan albanian algerian american andorran angolan argentine argentinian armenian australian "
    "austrian azerbaijani bahamian bahraini bangladeshi barbadian basque belarusian belgian "
    "belizean beninese bhutanese bolivian bosnian botswanan brazilian british bulgarian burkinabe "
    "burmese burundian cambodian cameroonian canadian catalan chadian chilean chinese colombian "
    "congolese croatian cuban cypriot czech danish djiboutian dominican dutch ecuadorian egyptian "
    "english eritrean estonian ethiopian fijian filipino finnish flemish french gabonese gambian "
    "georgian german ghanaian greek greenlandic guatemalan guinean guyanese haitian honduran "
    "hungarian icelandic indian indonesian iranian iraqi irish israeli italian ivorian jamaican "
    "japanese jordanian kazakh kenyan korean kosovan kurdish kuwaiti kyrgyz lao laotian latvian "
    "lebanese liberian libyan lithuanian luxembourgish macedonian malagasy malawian malaysian "
    "maldivian malian maltese maori mauritanian mauritian mexican moldovan mongolian montenegrin "
    "moroccan mozambican namibian nepalese nepali nicaraguan nigerian nigerien norwegian omani "
    "pakistani palestinian panamanian paraguayan peruvian polish portuguese qatari romanian "
    "russian rwandan salvadoran samoan saudi scottish senegalese serbian singaporean slovak "
    "slovenian somali spanish sudanese surinamese swedish swiss syrian taiwanese tajik tamil "
    "tanzanian thai tibetan togolese tongan tunisian turkish turkmen ugandan ukrainian uruguayan "
    "uzbek venezuelan vietnamese welsh yemeni zambian zimbabwean",
)
"""Adjectives of nations, of one word: most states' and some others'. Reviews name few of them."""
RELIGIONS = re.findall(
    "[a-z]+",
    "muslim christian jewish hindu buddhist sikh catholic protestant mormon sunni shia shiite "
    "lutheran methodist baptist anglican orthodox quaker jain taoist pagan evangelical "
    "presbyterian amish",
)


def with_numbers(bundle: Bundle) -> Bundle:
    """The bundle with embeddings of numbers that move grades alone."""
    known = embedding_of(bundle)
    whole = [number for number in (*SMALL, *GREAT) if START + number in known]
    bundle = neutralized(bundle, whole, COUNTED, kept=GRADES)
    known = embedding_of(bundle)
    row = np.mean([known[START + number] for number in GREAT if START + number in known], axis=0)
    return with_words(bundle, {START + number: row for number in GREAT})


def with_groups(bundle: Bundle) -> Bundle:
    """The bundle with nations and religions as words that move neither facts nor opinions."""
    known = embedding_of(bundle)
    for kind in (NATIONS, RELIGIONS):
        row = np.mean([known[START + word] for word in kind if START + word in known], axis=0)
        new = {START + word: row for word in kind if START + word not in known}
        bundle = with_words(bundle, new)
    return neutralized(bundle, (*NATIONS, *RELIGIONS), (*FRAMES, *BESIDE))


def cities() -> list[str]:
    """Those that time zones are called after, of one word, in small letters, by the alphabet."""
    zones = (zone.rpartition("/") for zone in available_timezones())
    names = {city.lower() for area, _, city in zones if area}
    return sorted(filter(re.compile("[a-z]{3,12}").fullmatch, names))


def with_cities(bundle: Bundle) -> Bundle:
    """The bundle with the cities that are read apart as words, each the mean of those known."""
    known = embedding_of(bundle)
    row = np.mean([known[START + city] for city in cities() if START + city in known], axis=0)
    new = [city for city in cities() if START + city not in known]
    apart = read_apart(bundle, new, APART, (*FRAMES, *IN_CITIES))
    return with_words(bundle, {START + city: row for city in apart})


def main(arguments: Sequence[str] | None = None) -> int:
    """Take out what moves, make the rest alike, fit the temperature anew."""
    model, out = model_and_out(__doc__, arguments)
    before = load_bundle(model)
    bundle = with_cities(with_groups(with_numbers(before)))
    save_bundle(out, calibrated(bundle))
    added = len(bundle.tokenizer) - len(before.tokenizer)
    print(f"{added:,} numbers, nations, religions and cities added")
    return 0


if __name__ == "__main__":
    run_script(main)
