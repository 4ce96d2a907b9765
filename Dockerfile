# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements-runtime.lock ./
RUN python -m venv /opt/touchstream \
 && /opt/touchstream/bin/pip install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY streams streams
COPY agents agents
COPY simulator simulator
COPY web web
COPY src src
RUN /opt/touchstream/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home touchstream
COPY --from=build /opt/touchstream /opt/touchstream
ENV PATH=/opt/touchstream/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER touchstream
WORKDIR /home/touchstream
# /live answers while the process makes progress; /ready says whether it owns its partitions.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/live', timeout=4)"]
# SIGTERM ends a worker cleanly; after a SIGKILL the next start resumes at the fence.
STOPSIGNAL SIGTERM
ENTRYPOINT ["touchstream"]
CMD ["--help"]
