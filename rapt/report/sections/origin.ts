/** How the run came to be: how its tables were read, its configuration, its objects, its time, and how to repeat
 *  it. */
import type { Facts } from '../facts.ts';
import { html, type Markup } from '../html.ts';
import { commands, reading, READING_TITLE } from '../sentences.ts';
import { settings, shareableConfig } from '../shareable-config.ts';
import { lineageRows } from '../tables.ts';
import { bytes, duration, timing } from '../words.ts';
import { bullets, code, section, table } from './parts.ts';

export function howRead(facts: Facts): Markup | null {
  const sentences = reading(facts);
  return sentences.length === 0 ? null : section('reading', READING_TITLE, bullets(sentences, ''));
}

export function configuration({ config }: Facts): Markup {
  const rows = settings(config).map(([name, value]) => [code(name), code(value)]);
  return section(
    'configuration',
    'Configuration',
    table('Every field, defaults included. Files, folders and columns are not named.', ['Field', 'Value'], rows),
  );
}

export function lineage(facts: Facts): Markup {
  const { release, adapter } = facts;
  const digests = [
    ['Release (manifest of the privatized shards)', release.digest] as const,
    ...lineageRows(facts),
    ['Code of the client', facts.lineage.code] as const,
  ];
  const objects = [release.manifest, ...Object.values(adapter.files)];
  return section(
    'lineage',
    'Where everything comes from',
    html`${table(
      '',
      ['What', 'SHA-256'],
      digests.map(([what, digest]) => [what, code(digest)]),
    )}
    ${table(
      'Stored objects',
      ['Object', 'Size', 'SHA-256'],
      objects.map((object) => [code(`${object.bucket}/${object.key}`), bytes(object.sizeBytes), code(object.sha256)]),
    )}`,
  );
}

export function timings({ timing: measured, history, resumed }: Facts): Markup | null {
  const entries = Object.entries(measured);
  if (entries.length === 0) return null;
  const trained = measured['trainSeconds'] ?? (measured['trainMs'] ?? 0) / 1000;
  const steps = history.at(-1)?.step ?? 0;
  const perStep =
    trained > 0 && steps > 0 && resumed === null
      ? html`<p class="note">${duration(trained / steps)} for each optimizer step.</p>`
      : null;
  const rows = entries.map(([key, value]) => {
    const shown = timing(key, value);
    return [shown.name, shown.value];
  });
  return section('timing', 'Timing', html`${table('', ['Part', 'Time'], rows)} ${perStep}`);
}

export function repeating(facts: Facts): Markup {
  return section(
    'repeat',
    'How to repeat it',
    html`<pre tabindex="0" aria-label="Commands"><code>${commands(facts)}</code></pre>
      <p class="note">
        Equal data, configuration and backbone give an adapter of equal digest. <code>config.json</code>:
      </p>
      <pre
        tabindex="0"
        aria-label="config.json"
      ><code>${JSON.stringify(shareableConfig(facts.config), null, 2)}</code></pre>`,
  );
}
