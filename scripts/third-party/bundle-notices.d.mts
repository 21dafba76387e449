/** A rolldown plugin; its hooks are rolldown's own affair. */
export declare function bundleNotices(product: { name: string; version: string }): { name: string }
