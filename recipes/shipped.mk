# The shipped bundle from data and seed: `make reproduce-shipped`. Stopped, the same call goes on: what a step has made
# stands, and a training that was stopped has its checkpoint. Where a recipe is newer than the run that it made, the
# run has to be removed first. Steps go two at a time, each on one thread. docs/shipped.log is the log of the bundle
# that ships; recipes/reading.toml names the texts on the hub.
PYTHON ?= python
DATA = ../shared/data
DEFAULT = src/sentiment_lstm/pretrained/default

export OMP_NUM_THREADS = 1

.DELETE_ON_ERROR:
.PHONY: shipped
shipped: $(DEFAULT)/config.json

models = $(1:%=runs/%/config.json)
int8 = sentiment-lstm export --model runs/$(1) --only int8

# A training of a recipe from a model, or the rest of it: name, recipe, model, other settings, other files it reads. In
# int8 a model teaches several times as fast.
define training
$(call models,$(1)): recipes/$(2).toml $(call models,$(3)) $(5)
	if [ -e runs/$(1)/settings.json ] && [ ! -e $$@ ]; then sentiment-lstm train --resume runs/$(1); else sentiment-lstm train --config recipes/$(2).toml$(3:%= --init runs/%) $(addprefix --set training.,precision=bfloat16 threads=1 $(4)) --out runs/$(1); fi
	$(call int8,$(1))
endef

# Two trainings from one model, with other batches and at other rates, and the mean of them and of what else is named:
# name, recipe, model, rates of both, texts, further models.
define round
$(call training,$(1)_slow,$(2),$(3),learning_rate=$(word 1,$(4)),$(5))
$(call training,$(1)_fast,$(2),$(3),learning_rate=$(word 2,$(4)) batch_texts=60,$(5))
$(call models,$(1)): $(call models,$(1)_slow $(1)_fast $(6))
	$(PYTHON) recipes/average.py $(patsubst %,--model runs/% --share 1,$(6) $(1)_slow $(1)_fast) --out runs/$(1)
	$(call int8,$(1))
endef

# A model whose names are words and say nothing: name, model.
define names
$(call models,$(1)): $(call models,$(2))
	$(PYTHON) recipes/named.py --model runs/$(2) --out runs/$(1)
	$(call int8,$(1))
endef

# What models, an NB-SVM and vectors say of reviews, and models of runs of sentences, apart from what a language model
# judged: number, models. The files are those of the last call; the marks say that they were made.
define teaching
runs/reviews.$(1): $(call models,$(2)) runs/documents.npz
	$(PYTHON) recipes/teacher.py $(addprefix --model runs/,$(2)) --linear --documents runs/documents.npz --out runs/taught_reviews.jsonl
	$(PYTHON) recipes/judged.py --taught runs/taught_reviews.jsonl --out runs/judged_reviews.jsonl --rest runs/reviews_rest.jsonl
	touch $$@
runs/excerpts.$(1): runs/excerpts.jsonl $(call models,$(2))
	$(PYTHON) recipes/teacher.py $(addprefix --model runs/,$(2)) --unlabelled runs/excerpts.jsonl --out runs/taught_excerpts.jsonl
	$(PYTHON) recipes/judged.py --taught runs/taught_excerpts.jsonl --windows $(DATA)/products --windows $(DATA)/imdb --windows $(DATA)/irony --parts $(DATA)/tweets --out runs/judged.jsonl --rest runs/excerpts_rest.jsonl
	$(PYTHON) recipes/roughened.py --taught runs/excerpts_rest.jsonl --out runs/rough_rest.jsonl
	$(PYTHON) recipes/roughened.py --taught runs/judged.jsonl --out runs/rough_judged.jsonl
	touch $$@
endef

# Parts of the texts: number, which part, by the place in the file, after which teaching, after which model.
define part
runs/part.$(1): $(call taught,$(3)) $(call models,$(4))
	awk 'NR % 3 == $(2)' runs/judged.jsonl > runs/judged_some.jsonl
	awk 'NR % 3 == $(2)' recipes/written.jsonl > runs/written_some.jsonl
	awk 'NR % 8 == $(2)' runs/rough_written.jsonl > runs/rough_written_some.jsonl
	awk 'NR % 8 == $(2)' runs/rough_judged.jsonl > runs/rough_judged_some.jsonl
	awk 'NR % 4 == $(2)' runs/reviews_rest.jsonl > runs/reviews_some.jsonl
	awk 'NR % 5 == $(2)' runs/excerpts_rest.jsonl > runs/excerpts_some.jsonl
	awk 'NR % 6 == $(2)' runs/rough_rest.jsonl > runs/rough_some.jsonl
	touch $$@
endef

# What no model has a say in.
runs/documents.npz:
	$(PYTHON) recipes/document_vectors.py --out $@
runs/roughened.jsonl:
	$(PYTHON) recipes/roughened.py --out $@
runs/rough_written.jsonl: recipes/written.jsonl
	$(PYTHON) recipes/roughened.py --taught recipes/written.jsonl --times 4 --out $@
runs/taught_products.jsonl:
	$(PYTHON) recipes/linear_teacher.py --source $(DATA)/products --sharper 2 --out $@
runs/taught_tweets.jsonl: recipes/grades.txt
	$(PYTHON) recipes/linear_teacher.py --source $(DATA)/tweets --graded --out $@ --first runs/taught_tweets_negative.jsonl
runs/turned.jsonl: recipes/edits.jsonl
	$(PYTHON) recipes/turned.py --source $(DATA)/imdb --source $(DATA)/products --out $@
runs/excerpts.jsonl:
	$(PYTHON) recipes/excerpts.py --also $(DATA)/products --out $@
FIXED = recipes/written.jsonl $(addprefix runs/,roughened.jsonl rough_written.jsonl taught_products.jsonl taught_tweets.jsonl turned.jsonl)
taught = $(FIXED) runs/reviews.$(1) runs/excerpts.$(1)

# The first teachers: pieces of words after a language model, and words. The student goes on from the pieces.
$(eval $(call training,language,language,,,))
$(eval $(call training,words,labelled,,epochs=4,))
$(call models,worded): $(call models,language)
	$(PYTHON) recipes/words.py --model runs/language --out runs/worded

# The rounds: all texts once, then a part of most at a time, with what people labelled in each.
$(eval $(call teaching,1,language words))
$(eval $(call round,first,reading,worded,1e-3 1.2e-3,$(call taught,1),))
$(eval $(call teaching,2,first))
$(eval $(call part,2,0,2,))
$(eval $(call round,second,some,first,8e-4 1e-3,runs/part.2,))
$(eval $(call part,3,1,2,second))
$(eval $(call round,third,some,second,8e-4 1e-3,runs/part.3,))
$(eval $(call names,named,third))
$(eval $(call teaching,3,named))
$(eval $(call part,4,2,3,))
$(eval $(call round,fourth,some,named,7e-4 8e-4,runs/part.4,))
$(eval $(call part,5,0,3,fourth))
$(eval $(call round,fifth,some,fourth,6e-4 7e-4,runs/part.5,))
$(eval $(call names,named_again,fifth))
$(eval $(call teaching,4,named_again))
$(eval $(call part,6,1,4,))
$(eval $(call round,sixth,some,named_again,5e-4 6e-4,runs/part.6,named_again))
$(eval $(call part,7,2,4,sixth))
$(eval $(call round,seventh,some,sixth,5e-4 6e-4,runs/part.7,named_again sixth_slow sixth_fast))
$(eval $(call names,default,seventh))
$(DEFAULT)/config.json: $(call models,default)
	$(PYTHON) benchmarks/ship.py --model runs/default --out $(DEFAULT)
