#!/usr/bin/env node
import { register } from 'tsx/esm/api';

// Whoever runs the command cannot mend what a package still calls. Tests run their own processes without this.
process.noDeprecation = true;
// Not by a tsconfig.json of whoever calls it from another project.
register({ tsconfig: false });
await import('../cli/main.ts');
