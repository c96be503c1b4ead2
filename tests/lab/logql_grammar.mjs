// usage: node logql_grammar.mjs MODULES   a list of queries as JSON on stdin; on stdout, of each whether the grammar that Grafana's editor
// uses (npm: @grafana/lezer-logql) takes it.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const require = createRequire(join(resolve(process.argv[2]), 'node_modules', 'any.js'));
const { parser } = require('@grafana/lezer-logql');
const takes = (query) => {
  let good = true;
  parser.parse(query).iterate({ enter: (node) => { good &&= !node.type.isError; } });
  return good;
};
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(takes)));
