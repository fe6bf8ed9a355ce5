/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "response.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {301, "Moved Permanently"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

/* Sources and documents are shown as text: the server is for reading them. */
static const struct {
    const char *extension;
    const char *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"xml", "application/xml"},
    {"pdf", "application/pdf"},
    {"wasm", "application/wasm"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"ico", "image/x-icon"},
    {"woff2", "font/woff2"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/plain; charset=utf-8"},
    {"c", "text/plain; charset=utf-8"},
    {"h", "text/plain; charset=utf-8"},
    {"py", "text/plain; charset=utf-8"},
    {"sh", "text/plain; charset=utf-8"},
    {"S", "text/plain; charset=utf-8"},
    {"cmake", "text/plain; charset=utf-8"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const char *http_status_text(int status)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "Unknown";
}

const char *http_type_of(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name != NULL ? name : path, '.');
    if (dot == NULL) /* LICENSE, Makefile */
        return "text/plain; charset=utf-8";
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strcasecmp(dot + 1, types[i].extension) == 0)
            return types[i].type;
    return "application/octet-stream";
}

const char *http_date_format(char *buf, time_t t)
{
    struct tm tm;
    if (gmtime_r(&t, &tm) == NULL ||
        strftime(buf, HTTP_DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
        buf[0] = '\0';
    return buf;
}

/* The date of now, composed once a second, in each thread. */
static const char *date_now(void)
{
    static _Thread_local char text[HTTP_DATE_BYTES];
    static _Thread_local time_t of;
    time_t now = time(NULL);
    if (now != of)
        http_date_format(text, now);
    of = now;
    return text;
}

void http_response_put(http_text *t, const http_response *r)
{
    http_text_print(t, "HTTP/1.1 %d %s\r\nDate: %s\r\n", r->status,
                    http_status_text(r->status), date_now());
    if (r->type != NULL)
        http_text_print(t,
                        "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n"
                        "X-Content-Type-Options: nosniff\r\n",
                        r->type, r->length);
    if (r->modified != 0) {
        char date[HTTP_DATE_BYTES];
        http_text_print(t, "Last-Modified: %s\r\n",
                        http_date_format(date, r->modified));
    }
    if (r->status == 405)
        http_text_print(t, "Allow: GET, HEAD\r\n");
    if (r->path != NULL) {
        http_text_print(t, "Location: /");
        http_text_put_url(t, r->path);
        http_text_print(t, "/\r\n");
    }
    if (r->close)
        http_text_print(t, "Connection: close\r\n");
    else if (r->is_http10)
        http_text_print(t, "Connection: keep-alive\r\n");
    http_text_print(t, "\r\n");
}
