import type { Addon } from './addon.ts';
import { findAddon } from './find.ts';

/** The addon. Loading it throws `ERR_MOBULA_BINARY` when no binary fits. */
export const addon: Addon = findAddon().addon;
