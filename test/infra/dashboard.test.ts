import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedBy, readDashboard, selectorsOf } from '../support/dashboard.ts';

const dashboard = readDashboard();
const { panels } = dashboard;

test('every panel has its own place, says what it shows in which unit, and asks for it by PromQL', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const {
    type,
    title,
    description = '',
    gridPos: { x, y, w, h },
    fieldConfig,
    targets = [],
  } of panels) {
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        assert.ok(!taken.has(`${column} ${line}`) && column < 24, `${title} lies on another panel or beside the page`);
        taken.add(`${column} ${line}`);
      }
    if (type === 'row') continue;
    assert.ok(description !== '' && targets.length > 0 && fieldConfig?.defaults.unit !== undefined, title);
    for (const { expr, datasource } of targets) {
      assert.deepEqual(datasource, { type: 'prometheus', uid: '${datasource}' }, title);
      assert.ok(selectorsOf(expr).length > 0);
    }
  }
  assert.ok(panels.filter(({ type }) => type !== 'row').length > 10);
});

test('its variables are those that the panels use', () => {
  const names = dashboard.templating.list.map(({ name }) => name);
  const used = new Set([...JSON.stringify(panels).matchAll(/\$\{?([a-z]\w*)/g)].map(([, name]) => name));
  assert.deepEqual([...used].sort(), [...names].sort());
  assert.ok(askedBy(dashboard).some(({ title }) => title === 'tenant'));
  const definition = 'label_values(tenant)';
  assert.throws(
    () => askedBy({ ...dashboard, templating: { list: [{ name: 'tenant', type: 'query', definition }] } }),
    /no label_values/,
  );
});

test('what is no PromQL is noticed, and so is every metric and label of a query', () => {
  assert.throws(() => selectorsOf('sum by (a (rate(x[5m]))'), /no PromQL/);
  assert.throws(() => selectorsOf('rate(x[$__unknown])'), /no PromQL/);
  assert.throws(() => selectorsOf('1 + 1'), /asks for nothing/);
  assert.deepEqual(selectorsOf('sum by (a) (rate(first{b="c"}[$__rate_interval])) / second'), [
    { metric: 'first', labels: ['b', 'a'] },
    { metric: 'second', labels: ['a'] },
  ]);
});
