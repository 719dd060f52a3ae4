/** The dashboard, and what its panels ask for by PromQL. */
import { readFileSync } from 'node:fs';
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: { readonly type: string; readonly uid: string };
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
  readonly targets?: readonly Target[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly panels: readonly Panel[];
}

/** Its file, as it is. */
export const DASHBOARD = readFileSync(new URL('../../infra/dashboards/rapt.json', import.meta.url), 'utf8');

export const readDashboard = (): Dashboard => JSON.parse(DASHBOARD) as Dashboard;

/** Wherever in a text: in a query, in a variable or in what describes a panel. */
export const metricsNamedIn = (text: string): string[] => [...new Set(text.match(/\b(?:rapt|temporal)_\w+/g))].sort();

/** A query as Grafana sends it. */
export const filledIn = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h').replaceAll('$tenant', '.*');

/** What a query reads. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** What a dashboard asks for: in its panels, and to offer the values of its variables. @throws Error for what is no
 *  PromQL. */
export function askedBy({ panels, templating }: Dashboard): ({ readonly title: string } & Selector)[] {
  const ofPanels = panels.flatMap(({ title, targets = [] }) =>
    targets.flatMap(({ expr }) => selectorsOf(expr).map((selector) => ({ title, ...selector }))),
  );
  const ofVariables = templating.list.flatMap(({ name, definition }) =>
    definition === undefined ? [] : [{ title: name, ...valuesOf(definition) }],
  );
  return [...ofPanels, ...ofVariables];
}

/** @throws Error for what is not Grafana's query for the values of a label. */
function valuesOf(definition: string): Selector {
  const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
  if (metric === undefined || label === undefined) throw new Error(`no label_values(metric, label): ${definition}`);
  return { metric, labels: [label] };
}

/** @throws Error for what is no PromQL. */
export function selectorsOf(expr: string): Selector[] {
  const text = filledIn(expr);
  const tree = parser.parse(text);
  const textOf = ({ from, to }: SyntaxNode): string => text.slice(from, to);
  const selectors: Selector[] = [];
  // Labels that a sum is grouped by must be there too.
  const grouped: string[] = [];
  tree.iterate({
    enter({ node, type }) {
      if (type.isError) throw new Error(`no PromQL at character ${node.from}: ${text}`);
      if (type.name === 'GroupingLabels') grouped.push(...node.getChildren('LabelName').map(textOf));
      if (type.name !== 'VectorSelector') return;
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      const name = node.getChild('Identifier');
      if (name === null) throw new Error(`a selector without a metric: ${text}`);
      selectors.push({
        metric: textOf(name),
        labels: matchers.map((matcher) => textOf(matcher.getChild('LabelName')!)),
      });
    },
  });
  if (selectors.length === 0) throw new Error(`asks for nothing: ${text}`);
  return selectors.map(({ metric, labels }) => ({ metric, labels: [...new Set([...labels, ...grouped])] }));
}
