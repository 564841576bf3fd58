# `make check` is what CI runs after setting up; `make format` mends what can be mended.
PYTHON ?= python

.PHONY: check lint types levels test build docs format clean reproduce-shipped

check: lint types levels docs build

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

levels:
	$(PYTHON) -m pytest tests/test_levels.py

test:
	$(PYTHON) -m pytest

build:
	$(PYTHON) -m build --no-isolation --outdir dist

# The variable leaves out the theme's notice of its own future, which is no warning of ours.
docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Two trainings from one model, with other batches and at other rates, for their mean.
define pair
sentiment-lstm train --config recipes/reading.toml --init runs/$(1) --out runs/$(2)_slow
sentiment-lstm train --config recipes/reading.toml --set training.learning_rate=6e-4 --set training.batch_texts=60 --init runs/$(1) --out runs/$(2)_fast
endef

# The same, and the mean of both and of what they began from.
define round
$(call pair,$(1),$(2))
$(PYTHON) recipes/average.py --model runs/$(1) --share 1 --model runs/$(2)_slow --share 1 --model runs/$(2)_fast --share 1 --out runs/$(2)
endef

# What a language model judged apart from what teachers say, and that as hurried people type it.
define judge
$(PYTHON) recipes/judged.py --taught runs/taught_reviews.jsonl --out runs/judged_reviews.jsonl --rest runs/reviews_rest.jsonl
$(PYTHON) recipes/judged.py --taught runs/taught_excerpts.jsonl --windows ../shared/data/products --windows ../shared/data/imdb --windows ../shared/data/irony --parts ../shared/data/tweets --out runs/judged.jsonl --rest runs/excerpts_rest.jsonl
$(PYTHON) recipes/roughened.py --taught runs/excerpts_rest.jsonl --out runs/rough_rest.jsonl
endef

# What a model says of reviews and of runs of sentences, for the next ones to learn from.
define teach
$(PYTHON) recipes/teacher.py --model runs/$(1) --linear --out runs/taught_reviews.jsonl
$(PYTHON) recipes/teacher.py --model runs/$(1) --unlabelled runs/excerpts.jsonl --out runs/taught_excerpts.jsonl
$(call judge)
endef

# Parts of the short texts; which part, by the place in the file.
define some
awk 'NR % 3 == $(1)' runs/judged.jsonl > runs/judged_some.jsonl
awk 'NR % 3 == $(1)' recipes/written.jsonl > runs/written_some.jsonl
awk 'NR % 8 == $(1)' runs/rough_written.jsonl > runs/rough_written_some.jsonl
awk 'NR % 8 == $(1)' runs/rough_judged.jsonl > runs/rough_judged_some.jsonl
awk 'NR % 4 == $(1)' runs/reviews_rest.jsonl > runs/reviews_some.jsonl
awk 'NR % 5 == $(1)' runs/excerpts_rest.jsonl > runs/excerpts_some.jsonl
awk 'NR % 6 == $(1)' runs/rough_rest.jsonl > runs/rough_some.jsonl
endef

# Two trainings from one model as in `pair`, each over one part.
define some_pair
$(call some,$(3))
sentiment-lstm train --config recipes/some.toml --init runs/$(1) --out runs/$(2)_slow
$(call some,$(4))
sentiment-lstm train --config recipes/some.toml --set training.learning_rate=6e-4 --set training.batch_texts=60 --init runs/$(1) --out runs/$(2)_fast
endef

# The shipped bundle from data and seed, some sixteen hours of two cores. docs/shipped.log is the
# log of the one that ships. Texts: see recipes/distilled.toml.
DEFAULT = src/sentiment_lstm/pretrained/default

reproduce-shipped:
	sentiment-lstm train --config recipes/language.toml --out runs/language
	sentiment-lstm train --config recipes/first.toml --init runs/language/language --out runs/first
	$(PYTHON) recipes/teacher.py --model runs/first --linear --out runs/taught.jsonl
	sentiment-lstm train --config recipes/taught.toml --init runs/language/language --out runs/student
	$(PYTHON) recipes/roughened.py --out runs/roughened.jsonl
	awk 'NR % 3 == 0' runs/taught.jsonl > runs/taught_last.jsonl
	sentiment-lstm train --config recipes/default.toml --init runs/student --out runs/last
	$(PYTHON) recipes/teacher.py --model runs/last --linear --out runs/taught.jsonl
	awk 'NR % 3 == 1' runs/taught.jsonl > runs/taught_last.jsonl
	sentiment-lstm train --config recipes/default.toml --init runs/last --out runs/short
	$(PYTHON) recipes/average.py --model runs/last --share 1 --model runs/short --share 2 --out runs/wide
	$(PYTHON) recipes/teacher.py --model runs/wide --linear --out runs/taught.jsonl
	awk 'NR % 3 == 2' runs/taught.jsonl > runs/taught_last.jsonl
	$(PYTHON) recipes/narrower.py --model runs/wide --hidden 510 --embedding 254 --out runs/narrow
	sentiment-lstm train --config recipes/default.toml --init runs/narrow --out runs/typed
	$(PYTHON) recipes/average.py --model runs/narrow --share 1 --model runs/typed --share 1 --out runs/teacher
	$(PYTHON) recipes/teacher.py --model runs/narrow --model runs/typed --linear --out runs/taught_reviews.jsonl
	$(PYTHON) recipes/linear_teacher.py --source ../shared/data/tweets --out runs/taught_tweets.jsonl --first runs/taught_tweets_negative.jsonl
	$(PYTHON) recipes/excerpts.py --also ../shared/data/products --out runs/excerpts.jsonl
	$(PYTHON) recipes/teacher.py --model runs/narrow --model runs/typed --unlabelled runs/excerpts.jsonl --out runs/taught_excerpts.jsonl
	$(PYTHON) recipes/roughened.py --taught runs/taught_excerpts.jsonl --out runs/rough_excerpts.jsonl
	$(PYTHON) recipes/narrower.py --model runs/teacher --hidden 286 --embedding 126 --out runs/start
	sentiment-lstm train --config recipes/distilled.toml --init runs/start --out runs/distilled
	sentiment-lstm train --config recipes/whole.toml --init runs/distilled --out runs/whole
	$(PYTHON) recipes/average.py --model runs/distilled --share 1 --model runs/whole --share 1 --out runs/between
	awk 'NR % 3 == 0' runs/taught_reviews.jsonl > runs/taught_reviews_third.jsonl
	sentiment-lstm train --config recipes/sentences.toml --init runs/between --out runs/sentences
	$(PYTHON) recipes/average.py --model runs/between --share 1 --model runs/sentences --share 1 --out runs/third
	sentiment-lstm train --config recipes/labelled.toml --set training.epochs=4 --out runs/words
	$(PYTHON) recipes/teacher.py --model runs/third --model runs/teacher --model runs/words --linear --out runs/taught_reviews.jsonl
	$(PYTHON) recipes/teacher.py --model runs/third --model runs/teacher --unlabelled runs/excerpts.jsonl --out runs/taught_excerpts.jsonl
	$(PYTHON) recipes/roughened.py --taught runs/taught_excerpts.jsonl --out runs/rough_excerpts.jsonl
	$(PYTHON) recipes/renamed.py --taught runs/taught_excerpts.jsonl --out runs/renamed.jsonl
	sentiment-lstm train --config recipes/again.toml --init runs/third --out runs/again
	$(PYTHON) recipes/average.py --model runs/third --share 1 --model runs/again --share 1 --out runs/even
	$(PYTHON) recipes/words.py --model runs/even --out runs/words_added
	sentiment-lstm train --config recipes/wordy.toml --init runs/words_added --out runs/wordy
	$(call judge)
	$(PYTHON) recipes/roughened.py --taught runs/judged.jsonl --out runs/rough_judged.jsonl
	$(PYTHON) recipes/roughened.py --taught recipes/written.jsonl --times 4 --out runs/rough_written.jsonl
	$(PYTHON) recipes/linear_teacher.py --source ../shared/data/products --sharper 2 --out runs/taught_products.jsonl
	$(PYTHON) recipes/linear_teacher.py --source ../shared/data/tweets --graded --out runs/taught_tweets.jsonl --first runs/taught_tweets_negative.jsonl
	$(PYTHON) recipes/turned.py --source ../shared/data/imdb --source ../shared/data/products --out runs/turned.jsonl
	sentiment-lstm train --config recipes/reading.toml --init runs/wordy --out runs/reading
	$(PYTHON) recipes/average.py --model runs/wordy --share 1 --model runs/reading --share 1 --out runs/half
	sentiment-lstm train --config recipes/reading.toml --init runs/half --out runs/reading_again
	$(PYTHON) recipes/average.py --model runs/half --share 1 --model runs/reading_again --share 1 --out runs/read
	sentiment-lstm train --config recipes/reading.toml --init runs/read --out runs/read_again
	$(PYTHON) recipes/last_state.py --model runs/read_again --out runs/last_state
	sentiment-lstm train --config recipes/reading.toml --init runs/last_state --out runs/turns
	$(call pair,turns,read)
	$(PYTHON) recipes/average.py --model runs/read_slow --share 1 --model runs/read_fast --share 1 --out runs/read_both
	$(call pair,read_both,last)
	$(PYTHON) recipes/average.py --model runs/last_slow --share 1 --model runs/last_fast --share 1 --out runs/last_both
	$(PYTHON) recipes/named.py --model runs/last_both --out runs/named
	$(call teach,named)
	$(call round,named,first_round)
	$(call pair,first_round,second_round)
	$(PYTHON) recipes/average.py --model runs/named --share 3 --model runs/first_round_slow --share 2 --model runs/first_round_fast --share 2 --model runs/second_round_slow --share 1 --model runs/second_round_fast --share 1 --out runs/second_round
	$(PYTHON) recipes/named.py --model runs/second_round --out runs/named_again
	$(call teach,named_again)
	$(call round,named_again,third_round)
	$(call pair,third_round,fourth_round)
	$(PYTHON) recipes/average.py --model runs/named_again --share 1 --model runs/third_round_slow --share 1 --model runs/third_round_fast --share 1 --model runs/fourth_round_slow --share 1 --model runs/fourth_round_fast --share 1 --out runs/fourth_round
	$(call pair,fourth_round,fifth_round)
	$(PYTHON) recipes/average.py --model runs/named_again --share 3 --model runs/fourth_round_slow --share 1 --model runs/fourth_round_fast --share 1 --model runs/fifth_round_slow --share 1 --model runs/fifth_round_fast --share 2 --out runs/fifth_round
	$(PYTHON) recipes/named.py --model runs/fifth_round --out runs/named_third
	$(call teach,named_third)
	$(call round,named_third,sixth_round)
	$(call round,sixth_round,seventh_round)
	$(call round,seventh_round,eighth_round)
	$(call pair,eighth_round,ninth_round)
	$(PYTHON) recipes/average.py --model runs/named_third --share 3 --model runs/ninth_round_slow --share 2 --model runs/ninth_round_fast --share 1 --out runs/ninth_round
	$(PYTHON) recipes/named.py --model runs/ninth_round --out runs/named_fourth
	$(call teach,named_fourth)
	$(call some_pair,named_fourth,tenth_round,1,2)
	$(PYTHON) recipes/average.py --model runs/named_fourth --share 1 --model runs/tenth_round_slow --share 1 --model runs/tenth_round_fast --share 1 --out runs/tenth_round
	$(call some_pair,tenth_round,eleventh_round,0,1)
	$(PYTHON) recipes/average.py --model runs/named_fourth --share 1 --model runs/tenth_round_slow --share 1 --model runs/tenth_round_fast --share 1 --model runs/eleventh_round_slow --share 1 --model runs/eleventh_round_fast --share 1 --out runs/eleventh_round
	$(PYTHON) recipes/named.py --model runs/eleventh_round --out runs/default
	$(PYTHON) benchmarks/ship.py --model runs/default --out $(DEFAULT)
