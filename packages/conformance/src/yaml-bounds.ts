/** Bounds of YAML texts of the plugin or controller under test, which must not end the tests. */
export const yamlBounds = { maxTokens: 500_000, maxDepth: 200, maxAliases: 50, maxAliasedValues: 10_000 };
