# The compiled service and the documentation that it serves: no Postgres, no emulator, no development tools.
#
#   docker build -t stagedoor .
#   docker run --rm -p 3000:3000 --env-file … stagedoor
#
# The container migrates the database with the role of DATABASE_OWNER_URL when it is started like this:
#
#   docker run --rm --env-file … stagedoor node --enable-source-maps dist/main.js --migrate     (migrates, then serves)
#   docker run --rm --env-file … stagedoor node --enable-source-maps dist/database/migrate.js   (migrates, then ends)
#
# The version is that of the Node in package-lock.json and .nvmrc. The official image is the base because Debian 13's own
# nodejs is version 20, which gets no fixes any more.
ARG NODE_VERSION=24.21.0
FROM node:${NODE_VERSION}-bookworm-slim AS base
WORKDIR /app

# ---- what is compiled, with the development tools ----
FROM base AS build
COPY package.json package-lock.json .npmrc ./
COPY emulator/package.json emulator/
# The build uses no optional package: they are the embedded Postgres and a Node.
RUN npm ci --omit=optional --loglevel=error
COPY prisma.config.ts nest-cli.json tsconfig.json tsconfig.build.json ./
COPY prisma prisma
COPY src src
# `prisma generate` does not use an engine, but downloads one unless it finds an executable here.
RUN PRISMA_SCHEMA_ENGINE_BINARY=/usr/local/bin/node npx --no-install prisma generate \
 && npx --no-install nest build
COPY emulator emulator
RUN node emulator/scripts/generate-types.ts && npx --no-install tsc -p emulator/tsconfig.build.json

# ---- the documentation, which the service serves at /docs ----
FROM base AS site
COPY package.json package-lock.json .npmrc ./
COPY docs/package.json docs/
# VitePress needs its optional packages: they are the bundler of this platform. `npm ci` installs those of this workspace alone.
RUN npm ci --workspace=docs --loglevel=error
COPY .env.example ./
COPY docs docs
RUN npx --no-install vitepress build docs --outDir docs/dist

# ---- the pages of the console, which the service serves at /console ----
FROM base AS console
COPY package.json package-lock.json .npmrc ./
COPY console/package.json console/
# Vite needs its optional packages: they are the bundler of this platform.
RUN npm ci --workspace=console --loglevel=error
COPY console console
RUN npx --no-install vite build console --outDir dist

# ---- what the service needs to run ----
FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
COPY emulator/package.json emulator/
RUN npm ci --omit=dev --omit=optional --workspaces=false --loglevel=error
# The list of these packages, for scanners (CycloneDX).
COPY docker/sbom.mjs docker/
RUN node docker/sbom.mjs > sbom.cdx.json

# ---- the OpenSSL provider of Debian 13, which signs P-384 three times as fast as the OpenSSL of Node ----
FROM debian:trixie-slim AS openssl
RUN apt-get update && apt-get install -y --no-install-recommends openssl openssl-provider-fips
COPY docker docker
# The module needs no newer C library than glibc 2.34, and Debian 12 has 2.36.
RUN sh docker/openssl-provider.sh /usr/local/lib/stagedoor

# ---- the IVS emulator, for docker-compose.yml: `docker build --target emulator .` ----
FROM base AS emulator
ENV NODE_ENV=production
COPY package.json package-lock.json .npmrc ./
COPY emulator/package.json emulator/
RUN npm ci --omit=dev --omit=optional --workspace=emulator --loglevel=error
COPY emulator/models emulator/models
COPY emulator/page emulator/page
COPY --from=build /app/emulator/dist emulator/dist
# A volume that is mounted here belongs to the user of the emulator: `-v ivs:/data -e IVS_EMULATOR_DATA=/data`.
RUN mkdir /data && chown node:node /data
USER node
EXPOSE 4580
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["node", "emulator/dist/bin.js", "wait", "--timeout", "2"]
CMD ["node", "--enable-source-maps", "emulator/dist/bin.js", "--host", "0.0.0.0", "--allow-remote"]

# ---- the service ----
FROM base AS service
ENV NODE_ENV=production
LABEL org.opencontainers.image.source="https://github.com/stagedoor/stagedoor" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY package.json openapi.json LICENSE ./
COPY prisma/migrations prisma/migrations
COPY --from=dependencies /app/node_modules node_modules
COPY --from=dependencies /app/sbom.cdx.json ./
COPY --from=build /app/dist dist
COPY --from=site /app/docs/dist docs/dist
COPY --from=console /app/console/dist console/dist
COPY --from=openssl /usr/local/lib/stagedoor /usr/local/lib/stagedoor
ENV OPENSSL_CONF=/usr/local/lib/stagedoor/openssl.cnf \
    OPENSSL_MODULES=/usr/local/lib/stagedoor
# Node starts without the provider too, and signs slowly then. Only the provider does not know the curve secp256k1.
RUN node -e "try { require('crypto').generateKeyPairSync('ec', { namedCurve: 'secp256k1' }) } catch { process.exit(0) } process.exit(1)"
USER node
EXPOSE 3000
# The provider tests itself when a Node starts. A check signs nothing, so it saves that.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["env", "-u", "OPENSSL_CONF", "node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# On SIGTERM the service goes on serving for SHUTDOWN_DRAIN_SECONDS. Docker kills it after 10 s unless it is told otherwise:
# `docker stop -t 30`.
#
# Node is started without a shell and without npm, so that it gets the SIGTERM itself. The source maps in dist hold the
# TypeScript sources: stacks in the log name their lines.
CMD ["node", "--enable-source-maps", "dist/main.js"]
