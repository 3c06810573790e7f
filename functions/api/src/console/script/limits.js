// The limits of the service, as it wrote them into the page.

export const limits = JSON.parse(document.body.dataset.limits);
