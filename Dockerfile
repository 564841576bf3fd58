# The HTTP service with the shipped models, for a CPU. No PyTorch.
#   docker build -t sentiment-lstm .
#   docker run --rm --init --read-only --tmpfs /tmp -p 127.0.0.1:8080:8080 sentiment-lstm
# Without an engine, `python deploy/rehearse.py` runs the same steps.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE THIRD_PARTY.md ./
COPY src ./src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# A container installs nothing, so pip goes at the end.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install '.[serve]' -c constraints.txt \
 && /opt/venv/bin/pip uninstall --yes pip

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin sentiment
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
# In a container, `localhost` is the container itself, so the service listens on all its addresses.
ENV SENTIMENT_LSTM_HOST=0.0.0.0 SENTIMENT_LSTM_PORT=8080
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['SENTIMENT_LSTM_PORT'] + '/health', timeout=2)"]
ENTRYPOINT ["sentiment-lstm"]
CMD ["serve"]
