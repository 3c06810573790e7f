SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  // Nothing of the API leaves for a validator elsewhere.
  validatorUrl: null,
});
