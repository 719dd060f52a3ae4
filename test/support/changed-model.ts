/** The tiny model with something about it changed, as models come that others saved. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors, readSafetensors, type FloatTensor } from '../../rapt/safetensors.ts';
import { writeTinyModel } from './tiny-model.ts';

type Json = Record<string, unknown>;

export interface ModelChanges {
  /** Changes the tensors in place. */
  readonly tensors?: (tensors: Record<string, FloatTensor>) => void;
  readonly names?: (name: string) => string;
  /** Fields that are set; undefined removes one. */
  readonly config?: Json;
  readonly tokenizer?: (json: { added_tokens: Json[]; model: { vocab: Record<string, number> } }) => void;
}

/** @returns the folder. */
export function writeChangedModel(
  folder: string,
  { tensors: change, names = (name) => name, config, tokenizer }: ModelChanges,
): string {
  writeTinyModel(folder);
  const weights = join(folder, 'model.safetensors');
  const tensors: Record<string, FloatTensor> = { ...readSafetensors(weights) };
  change?.(tensors);
  writeFileSync(
    weights,
    encodeSafetensors(Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [names(name), tensor]))),
  );
  edit(join(folder, 'config.json'), (json) => ({ ...json, ...config }));
  edit(join(folder, 'tokenizer.json'), (json) => {
    tokenizer?.(json as unknown as Parameters<NonNullable<ModelChanges['tokenizer']>>[0]);
    return json;
  });
  return folder;
}

function edit(path: string, change: (json: Json) => Json): void {
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Json)));
}

/** Rewrites a file of float32 tensors in another kind of numbers. Values must be exact in it. */
export function storeAs(path: string, dtype: 'F16' | 'BF16' | 'F64'): void {
  const tensors = readSafetensors(path);
  const header: Json = {};
  const blocks: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const block =
      dtype === 'F64'
        ? Buffer.from(Float64Array.from(values).buffer)
        : Buffer.from(Uint16Array.from(values, dtype === 'BF16' ? toBfloat16 : toFloat16).buffer);
    header[name] = { dtype, shape, data_offsets: [offset, offset + block.length] };
    blocks.push(block);
    offset += block.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([size, json, ...blocks]));
}

const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;
const toBfloat16 = (value: number): number => bitsOf(value) >>> 16;

/** Toward zero; small values become 0. */
function toFloat16(value: number): number {
  const bits = bitsOf(value);
  const exponent = ((bits >> 23) & 0xff) - 112;
  return ((bits >> 16) & 0x8000) | (exponent <= 0 ? 0 : (exponent << 10) | ((bits >> 13) & 0x3ff));
}
