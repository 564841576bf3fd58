# The shipped bundle from data and seed: `make reproduce-shipped`. All that it makes stands in runs/shipped. Stopped, the
# same call goes on: what is marked as made stands, and a training that was stopped has its checkpoint. Of changed
# recipes it knows nothing: begin anew without runs/shipped. Steps go two at a time, trainings on one thread each.
# docs/shipped.log is the log of the bundle that ships; factory/settings/reading.toml names the texts on the hub. Needs the extra
# `dev`.
PYTHON ?= python
W = runs/shipped

export OMP_NUM_THREADS = 1

.DELETE_ON_ERROR:
.PHONY: shipped
shipped: $(W)/shipped.made

made = $(1:%=$(W)/%.made)

# What teaches does so in int8, several times as fast. While the graph is written nothing else may read the model's folder.
int8 = $(1:%=$(W)/%.int8)
$(W)/%.int8: $(W)/%.made
	sentiment-lstm export --model $(W)/$* --only int8
	touch $@

# A training of a recipe from a model, or the rest of it: name, recipe, model, other settings, other files it reads.
define training
$(call made,$(1)): $(call made,$(3)) $(5)
	if [ -e $(W)/$(1)/settings.json ]; then exec sentiment-lstm train --resume $(W)/$(1); else exec sentiment-lstm train --config $(2).toml $(3:%=--init $(W)/%) $(addprefix --set training.,precision=bfloat16 threads=1 $(4)) --out $(W)/$(1); fi
	touch $$@
endef

# Two trainings from one model, with other batches and at other rates, and the mean of them and of what else is named:
# name, recipe, model, rates of both, texts, further models.
define round
$(call training,$(1)_slow,$(2),$(3),learning_rate=$(word 1,$(4)),$(5))
$(call training,$(1)_fast,$(2),$(3),learning_rate=$(word 2,$(4)) batch_texts=60,$(5))
$(call made,$(1)): $(call made,$(1)_slow $(1)_fast $(6))
	$(PYTHON) -m factory.surgery.average $(patsubst %,--model $(W)/% --share 1,$(6) $(1)_slow $(1)_fast) --out $(W)/$(1)
	touch $$@
endef

# A model whose names are words and say nothing: name, model.
define names
$(call made,$(1)): $(call made,$(2))
	$(PYTHON) -m factory.surgery.named --model $(W)/$(2) --out $(W)/$(1)
	touch $$@
endef

# What models, an NB-SVM and vectors say of reviews, and models of runs of sentences, apart from what a language model
# judged: number, models. The files are those of the last call.
define teaching
$(W)/reviews_$(1).made: $(call int8,$(2)) $(W)/documents.npz
	$(PYTHON) -m factory.teachers.teacher $(addprefix --model $(W)/,$(2)) --linear --documents $(W)/documents.npz --out $(W)/taught_reviews.jsonl
	$(PYTHON) -m factory.texts.judged --taught $(W)/taught_reviews.jsonl --out $(W)/judged_reviews.jsonl --rest $(W)/reviews_rest.jsonl
	touch $$@
$(W)/excerpts_$(1).made: $(call int8,$(2)) $(W)/excerpts.jsonl
	$(PYTHON) -m factory.teachers.teacher $(addprefix --model $(W)/,$(2)) --unlabelled $(W)/excerpts.jsonl --out $(W)/taught_excerpts.jsonl
	$(PYTHON) -m factory.texts.judged --taught $(W)/taught_excerpts.jsonl --windows ../shared/data/products --windows ../shared/data/imdb --windows ../shared/data/irony --parts ../shared/data/tweets --out $(W)/judged.jsonl --rest $(W)/excerpts_rest.jsonl
	$(PYTHON) -m factory.texts.roughened --taught $(W)/excerpts_rest.jsonl --out $(W)/rough_rest.jsonl
	$(PYTHON) -m factory.texts.roughened --taught $(W)/judged.jsonl --out $(W)/rough_judged.jsonl
	touch $$@
endef

# One part of most texts, by the place in the file, and factory/settings/reading.toml for it: a third of what was written and of
# the judged windows, a fourth of the unlabelled reviews, a fifth to an eighth of the runs of sentences and of what was
# roughened (but the treebank), so that what people labelled counts for more. Number, after which teaching, after which
# model, which of the grammar's sentences.
PARTED = written|judged|reviews_rest|excerpts_rest|rough_rest|rough_written|rough_judged
some = awk 'NR % $(2) == $(3) % $(2)' $(1).jsonl > $(W)/$(notdir $(1))_some.jsonl
define part
$(W)/part_$(1).made: $(call taught,$(2)) $(call made,$(3))
	$(call some,factory/texts/written,3,$(1))
	$(call some,$(W)/judged,3,$(1))
	$(call some,$(W)/reviews_rest,4,$(1))
	$(call some,$(W)/excerpts_rest,5,$(1))
	$(call some,$(W)/rough_rest,6,$(1))
	$(call some,$(W)/rough_written,8,$(1))
	$(call some,$(W)/rough_judged,8,$(1))
	sed -E 's#"(factory/texts|$(W))/($(PARTED))\.jsonl"#"$(W)/\2_some.jsonl"#; s/grammar:[0-9]+/grammar:$(4)/' factory/settings/reading.toml > $(W)/some.toml
	touch $$@
endef

# What no model that the road makes has a say in.
$(W)/documents.npz:
	$(PYTHON) -m factory.teachers.document_vectors --out $@
$(W)/roughened.jsonl:
	$(PYTHON) -m factory.texts.roughened --out $@
$(W)/rough_written.jsonl:
	$(PYTHON) -m factory.texts.roughened --taught factory/texts/written.jsonl --times 4 --out $@
$(W)/taught_products.jsonl:
	$(PYTHON) -m factory.teachers.linear_teacher --source ../shared/data/products --sharper 2 --out $@
$(W)/taught_tweets.jsonl:
	$(PYTHON) -m factory.teachers.linear_teacher --source ../shared/data/tweets --graded --out $@ --first $(W)/taught_tweets_negative.jsonl
$(W)/uncertain.jsonl:
	$(PYTHON) -m factory.texts.uncertain --also ../shared/data/products --out $@
$(W)/turned.jsonl:
	$(PYTHON) -m factory.texts.turned --source ../shared/data/imdb --source ../shared/data/products --out $@
$(W)/excerpts.jsonl:
	$(PYTHON) -m factory.texts.excerpts --also ../shared/data/products --out $@
FIXED = $(addprefix $(W)/,roughened.jsonl rough_written.jsonl taught_products.jsonl taught_tweets.jsonl uncertain.jsonl turned.jsonl)
taught = $(FIXED) $(W)/reviews_$(1).made $(W)/excerpts_$(1).made

# The first teachers: pieces of words after a language model, and words. The student goes on from the pieces.
$(eval $(call training,language,factory/settings/language,,,))
$(eval $(call training,words,recipes/labelled,,epochs=4,))
$(call made,worded): $(call int8,language)
	$(PYTHON) -m factory.surgery.words --model $(W)/language --out $(W)/worded
	touch $@

# The rounds: all texts once, then a part of most at a time, with what people labelled in each; every round with other
# sentences of the grammar, for those read in all rounds were known by heart (docs/log.md).
$(eval $(call teaching,1,language words))
$(eval $(call round,first,factory/settings/reading,worded,1e-3 1.2e-3,$(call taught,1),))
$(eval $(call teaching,2,first))
$(eval $(call part,1,2,,300001-360000))
$(eval $(call round,second,$(W)/some,first,8e-4 1e-3,$(W)/part_1.made,))
$(eval $(call part,2,2,second,360001-420000))
$(eval $(call round,third,$(W)/some,second,8e-4 1e-3,$(W)/part_2.made,))
$(eval $(call names,named,third))
$(eval $(call teaching,3,named))
$(eval $(call part,3,3,,420001-570000))
$(eval $(call round,fourth,$(W)/some,named,7e-4 8e-4,$(W)/part_3.made,))
$(eval $(call part,4,3,fourth,570001-870000))
$(eval $(call round,fifth,$(W)/some,fourth,7e-4 8e-4,$(W)/part_4.made,fourth))
$(eval $(call part,5,3,fifth,870001-1070000))
$(eval $(call round,sixth,$(W)/some,fifth,5e-4 6e-4,$(W)/part_5.made,fourth fifth))
$(eval $(call names,named_last,sixth))
$(call made,default): $(call made,named_last)
	$(PYTHON) -m factory.surgery.kinds --model $(W)/named_last --out $(W)/default
	touch $@
$(W)/shipped.made: $(call made,default)
	$(PYTHON) -m factory.measure.ship --model $(W)/default --out src/sentiment_lstm/pretrained/default
	touch $@
