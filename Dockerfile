# The compiled service alone: no Postgres, no emulator, no development tools.
#
#   docker build -t stagedoor .
#   docker run --rm -p 3000:3000 --env-file … stagedoor
#   docker run --rm --env-file … stagedoor node dist/main.js --migrate        (migrates as DATABASE_OWNER_URL, then serves)
#   docker run --rm --env-file … stagedoor node dist/database/migrate.js      (migrates, then ends)
#
# The base is the official image because it has a Node that is maintained (engines: >= 22.19). Debian 13's own nodejs
# links an OpenSSL that signs P-384 three times faster, but it is version 20, past its end of life.
FROM node:24-bookworm-slim AS base
WORKDIR /app

# ---- what is compiled, with the development tools ----
FROM base AS build
COPY package.json package-lock.json .npmrc ./
COPY emulator/package.json emulator/
# No optional packages: they are the embedded Postgres, a Node of their own, and tools the build does not use.
RUN npm ci --omit=optional --loglevel=error
COPY prisma.config.ts tsconfig.json tsconfig.build.json ./
COPY prisma prisma
COPY src src
# Prisma wants to see an engine, which generating does not use: without this it would download one.
RUN PRISMA_SCHEMA_ENGINE_BINARY=/usr/local/bin/node npx --no-install prisma generate \
 && npx --no-install tsc -p tsconfig.build.json
COPY emulator emulator
RUN node emulator/scripts/generate-types.ts && npx --no-install tsc -p emulator/tsconfig.build.json

# ---- what the service needs to run ----
FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
COPY emulator/package.json emulator/
RUN npm ci --omit=dev --omit=optional --workspaces=false --loglevel=error

# ---- the IVS emulator, for docker-compose.yml: `docker build --target emulator .` ----
FROM base AS emulator
ENV NODE_ENV=production
COPY package.json package-lock.json .npmrc ./
COPY emulator/package.json emulator/
RUN npm ci --omit=dev --omit=optional --workspace=emulator --loglevel=error
COPY emulator/models emulator/models
COPY emulator/page emulator/page
COPY --from=build /app/emulator/dist emulator/dist
USER node
EXPOSE 4580
CMD ["node", "emulator/dist/bin.js", "--host", "0.0.0.0", "--allow-remote"]

# ---- the service ----
FROM base AS service
ENV NODE_ENV=production
COPY package.json ./
COPY prisma/migrations prisma/migrations
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node itself gets the SIGTERM: no shell, no npm in between.
CMD ["node", "dist/main.js"]
