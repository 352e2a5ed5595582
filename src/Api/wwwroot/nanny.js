// What the pages need of the browser itself.
window.nanny = (() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const chosen = () => localStorage.getItem('nanny_scheme');
    const isDark = () => (chosen() ?? (dark.matches ? 'dark' : 'light')) === 'dark';
    // A cookie, so that the next page is drawn in these colours from its first byte on.
    const remember = () => {
        document.cookie = `nanny_scheme=${isDark() ? 'dark' : 'light'}; path=/; max-age=31536000; samesite=strict`;
        document.documentElement.dataset.scheme = isDark() ? 'dark' : 'light';
    };
    remember();
    document.cookie = `nanny_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; samesite=strict`;
    return {
        isDark,
        // Tells the page when the system has become dark or light: at dusk, for instance.
        watch: page => dark.addEventListener('change', () => { remember(); page.invokeMethodAsync('Become', isDark()); }),
        chosen,
        // null: as the system has it.
        choose: scheme => { if (scheme) { localStorage.setItem('nanny_scheme', scheme); } else { localStorage.removeItem('nanny_scheme'); } remember(); },
        // Whether it is on the clipboard: browsers let pages write there over https alone, and on the machine itself.
        copy: async text => { try { await navigator.clipboard.writeText(text); return true; } catch { return false; } },
        // Follows the end of what is printed, unless somebody has scrolled up to read. Where he was is asked before the text grows, not after.
        follow: element => {
            if (element.nannyAtEnd === undefined) {
                element.nannyAtEnd = true;
                element.addEventListener('scroll', () => { element.nannyAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40; }, { passive: true });
            }
            if (element.nannyAtEnd) { element.scrollTop = element.scrollHeight; }
        },
    };
})();
