#!/bin/sh
# The decisive table (systems, English, three seeds) on one GPU, meant for 12 minutes. Needs a torch with CUDA,
# "pip install spacy[cuda12x]" and the public corpora:
#     benchmarks/gpu_short.sh ../shared/corpora
# Four cells at once: a cell of 300 steps of 640 tokens leaves most of a modern GPU idle. What was measured before an
# interruption stays; the same command goes on.
set -eu
corpora=${1:?"the folder of the public corpora as published"}
medmtl fetch-encoder assets/encoder/minilm
test -e corpus/public/test/negex.spacy || medmtl prepare public "$corpora" corpus/public
medmtl lab systems --config configs/lab/public.cfg --profile gpu-short --gpu-id 0 --jobs 4 --output metrics/lab/gpu_short
