/* Stands in for the packaged program under Wine: a process that holds its file, and ends when `quit` asks it to.

   alcove            writes "open", waits to be asked, takes a while, writes "written", ends
   alcove stuck      the same, but does not end until `release`
   alcove quit       asks, and waits until the other has ended: 0, or 1 after three seconds
   The paths of files, as by a double-click, are written, too. */

#include <stdio.h>
#include <wchar.h>
#include <windows.h>

static void say(const wchar_t *words) {
    wchar_t path[MAX_PATH];
    GetEnvironmentVariableW(L"ALCOVE_SAYS", path, MAX_PATH);
    FILE *file = _wfopen(path, L"a, ccs=UTF-8");
    if (file) {
        fwprintf(file, L"%ls\n", words);
        fclose(file);
    }
}

int wmain(int count, wchar_t **words) {
    HANDLE released = CreateEventW(NULL, TRUE, FALSE, L"Local\\alcove-released");
    if (count > 1 && wcscmp(words[1], L"release") == 0) {
        return !SetEvent(released);
    }
    HANDLE asked = CreateEventW(NULL, TRUE, FALSE, L"Local\\alcove-asked");
    if (count > 1 && wcscmp(words[1], L"quit") == 0) {
        SetEvent(asked);
        HANDLE ended = OpenEventW(SYNCHRONIZE, FALSE, L"Local\\alcove-ended");
        return !ended || WaitForSingleObject(ended, 3000) == WAIT_OBJECT_0 ? 0 : 1;
    }
    HANDLE ended = CreateEventW(NULL, TRUE, FALSE, L"Local\\alcove-ended");
    ResetEvent(asked);
    ResetEvent(released);
    say(count > 1 ? words[1] : L"open");
    WaitForSingleObject(asked, INFINITE);
    WaitForSingleObject(released, count > 1 && wcscmp(words[1], L"stuck") == 0 ? INFINITE : 1500);
    say(L"written");
    SetEvent(ended);
    return 0;
}
