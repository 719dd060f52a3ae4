#!/usr/bin/env node
import { register } from 'tsx/esm/api';

// Not by a tsconfig.json of whoever calls it from another project.
register({ tsconfig: false });
await import('../cli/main.ts');
