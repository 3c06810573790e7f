// The API key, which lives as long as this tab does.

const NAME = "datasets-api-key";

export const key = () => sessionStorage.getItem(NAME);
export const signIn = (value) => sessionStorage.setItem(NAME, value);
export const signOut = () => sessionStorage.removeItem(NAME);
