// The limits of the service, which it writes into the page.

export const limits = JSON.parse(document.body.dataset.limits);
