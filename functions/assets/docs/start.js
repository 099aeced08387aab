// Of /docs: a file of its own, as the page's content security policy runs nothing that stands in the page.
// oxlint-disable-next-line typescript/no-unsafe-call -- the reader's own script, which comes before this one
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reader',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  // The reader would ask another host whether the document is valid.
  validatorUrl: null,
})
