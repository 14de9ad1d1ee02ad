/**
 * Loaded into the service before it starts (`node --import`): writes each statement and its values to the file STATEMENT_LOG,
 * one JSON array a line, so that a measurement can run again what a request has sent.
 */
import { appendFileSync } from 'node:fs';
import pg from 'pg';

const { query } = pg.Client.prototype;
const file = process.env.STATEMENT_LOG;

pg.Client.prototype.query = function (config, ...rest) {
  const text = typeof config === 'string' ? config : config?.text;
  const values = config?.values ?? (Array.isArray(rest[0]) ? rest[0] : []);
  if (file && text) appendFileSync(file, `${JSON.stringify([text, values])}\n`);
  return Reflect.apply(query, this, [config, ...rest]);
};
