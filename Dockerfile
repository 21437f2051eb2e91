# One image for everything: flow runs, the worker, Prefect's server, and `python -m flows.serve`.
#
#     docker build --tag f1-flows:local .
#
# With a package index of your own, pass on pip's settings; build arguments of the first stage are not stored in the
# image, and BuildKit is not needed:
#
#     docker build --network host --build-arg PIP_INDEX_URL --build-arg PIP_EXTRA_INDEX_URL --tag f1-flows:local .

FROM python:3.12-slim AS dependencies
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
WORKDIR /build
RUN python -m venv --without-pip /venv
# Dependencies before code: this layer is rebuilt only when these three files change.
COPY pyproject.toml constraints.txt deploy/requirements.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > dependencies.txt \
    && pip --python /venv/bin/python install --no-cache-dir --only-binary :all: --disable-pip-version-check \
        --constraint constraints.txt --requirement dependencies.txt --requirement requirements.txt \
    # Test suites inside wheels are a tenth of the image.
    && find /venv/lib -type d -name tests -path '*-packages/*' \
        \( -path '*/pandas/*' -o -path '*/numpy/*' -o -path '*/scipy/*' -o -path '*/matplotlib/*' \) -prune -exec rm -r {} +

FROM python:3.12-slim
# All writes go to /data or /tmp, so that the root file system can be read-only:
# `docker run --read-only --tmpfs /tmp --volume f1-data:/data f1-flows:local …`
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data/home \
    PREFECT_HOME=/data/prefect \
    PREFECT_RESULTS_LOCAL_STORAGE_PATH=/data/results \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_UI_STATIC_DIRECTORY=/tmp/prefect-ui \
    DO_NOT_TRACK=1 \
    FASTF1_CACHE_DIR=/data/fastf1 \
    MPLCONFIGDIR=/data/matplotlib
WORKDIR /app
# Settings come from the environment or from /settings/.env, a volume, so that Prefect's API holds no secrets.
# pip is removed from the image.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data/home f1 \
    && install --directory --owner f1 --group f1 --mode 0750 /data /data/home /settings \
    && ln -s /settings/.env /app/.env \
    && rm -rf /usr/local/lib/python3.12/site-packages/pip* /usr/local/lib/python3.12/ensurepip /usr/local/bin/pip*
COPY --from=dependencies /venv /venv
COPY core core
COPY flows flows
COPY deploy deploy
COPY prefect.yaml ./
USER f1
VOLUME ["/data"]
CMD ["python", "-m", "flows.serve"]
