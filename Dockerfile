# docker build -t fer-dashboard . ; docs/DEPLOY.md says how to run it with a read-only root.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    PORT=8501 \
    HOME=/home/fer \
    FER_DATA_DIR=/data

RUN useradd --create-home --uid 10001 fer \
    && install --directory --owner=fer --group=fer --mode=0700 /data

WORKDIR /app

# Before the code, which changes more often than its packages.
COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

COPY LICENSE Procfile README.md app.py setup.sh ./
COPY .streamlit ./.streamlit
COPY bin ./bin
COPY fer_core ./fer_core
COPY models ./models
COPY pages ./pages

# A failed download is only a warning: other models come with the code.
RUN sh bin/post_compile

USER 10001
VOLUME /data
EXPOSE 8501

# Each start checks settings and database first, which takes a while on a small machine. Not through
# the proxy that HTTP_PROXY may name: Docker passes its own on to every container.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]

# The Procfile's exact command; a test compares the two.
CMD ["sh", "-c", "sh setup.sh && exec env MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072 streamlit run app.py --server.address 0.0.0.0 --server.port $PORT --server.headless true --server.fileWatcherType none --server.enableXsrfProtection true --server.enableCORS true --client.showErrorDetails none --browser.gatherUsageStats false"]
