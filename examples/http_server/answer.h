/* SPDX-License-Identifier: MIT */
/*
 * What a request is answered with, and the sending of it.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "connection.h"

/* How a connection goes on behind a response. */
enum {
    HTTP_GO_ON = 1,
    HTTP_CLOSE = 2,
};

/*
 * Answer one request, also one that was refused by its `status`. Returns
 * HTTP_GO_ON, or HTTP_CLOSE where the response said so, or an error, after
 * which the response may be incomplete. [suspends]
 */
int http_answer(http_connection *c, const http_request *r);

#endif
