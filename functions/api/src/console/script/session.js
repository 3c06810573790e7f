// The API key, kept for as long as this tab is open.

const NAME = "datasets-api-key";

export const key = () => sessionStorage.getItem(NAME);
export const signIn = (value) => sessionStorage.setItem(NAME, value);
export const signOut = () => sessionStorage.removeItem(NAME);
