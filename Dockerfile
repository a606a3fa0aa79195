# Two stages: the first installs into a virtual environment, the second holds that, the seeds and nothing else.
# How to build and run it is in README.md.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/venv
# On x86-64 PyTorch's default build carries CUDA, which nothing here uses: an index of CPU builds keeps it away.
ARG PIP_EXTRA_INDEX_URL=
COPY constraints.txt pyproject.toml README.md LICENSE NOTICE ./
COPY rag rag
COPY service service
RUN /opt/venv/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/tmp/huggingface \
    RAG_HOST=0.0.0.0 \
    RAG_PORT=8000 \
    RAG_SEEDS_DIR=/app/seeds \
    RAG_VECTORS_DIR=/app/vectors
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin rag \
    && mkdir -p /app/vectors \
    && chown rag /app/vectors
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY seeds seeds
USER 10001
VOLUME /app/vectors
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"RAG_PORT\"]}/readyz', timeout=3)"]
CMD ["rag", "serve"]
